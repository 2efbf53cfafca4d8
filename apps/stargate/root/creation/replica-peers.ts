import { randomBytes } from 'node:crypto';
import type { CreationAnswer, CreationMessage } from '../../../../domain/gateway/creation/records.js';
import { KvError, toKvError } from '../../../../ports/error.js';
import type { PeerTransport } from '../../../../ports/stargate/peer-transport.js';
import type { Log } from '../../log/log.js';
import { askOfCreations, type Roster } from './roster.js';

/** By these headers of its `/health` a server tells others where its peers' port is, and which process it is. */
const PEER_PORT = 'git-kv-peer-port';
const INSTANCE = 'git-kv-instance';

const HELLO_MS = 2000;
/** More than any `/health` says. */
const MOST_BYTES = 64 * 1024;

/** Where the names of the others that were found are kept, by their addresses, so that they are known while those are away. */
export interface KnownNames {
  read(): Promise<ReadonlyMap<string, string>>;
  write(names: ReadonlyMap<string, string>): Promise<void>;
}

/** The other servers, found by the addresses of their replication API. */
export class ReplicaPeers implements Roster {
  private readonly names = new Map<string, string>();
  private readonly faults = new Map<string, string>();
  /** Of these it was said that they are away. */
  private readonly away = new Set<string>();
  needed: () => string | null = () => null;
  private readonly instance = randomBytes(8).toString('hex');
  /** Says which other server was found that is called as this one; null where none was. */
  private namesake: string | null = null;

  constructor(
    private readonly self: string,
    /** Null where there are no others. */
    private readonly transport: PeerTransport | null,
    private readonly urls: readonly URL[],
    private readonly secure: boolean,
    private readonly log: Log,
    private readonly kept: KnownNames = { read: async () => new Map(), write: async () => undefined },
    /** Told where the peers' port of a server is that was found. */
    private readonly met: (server: string, address: string) => void = () => undefined,
  ) {}

  /**
   * Takes up the names that were found before, and looks who is there. Throws `CONFIG_INVALID` where another server is called as this one, and
   * what reading the names does.
   */
  async start(): Promise<void> {
    const known = await this.kept.read();
    for (const { origin } of this.urls) {
      const name = known.get(origin);
      if (name === undefined || name === this.self) continue;
      this.names.set(origin, name);
      this.away.add(origin); // until it answers
    }
    await this.find();
    if (this.namesake !== null)
      throw new KvError('CONFIG_INVALID', this.namesake, { hint: 'give each server a SERVER_ID of its own (--server-id)' });
  }

  get count(): number {
    return this.urls.length;
  }

  known(): readonly string[] {
    return [...this.names.values()];
  }

  /** All, once each of the others has been found; nothing where there are none. */
  servers(): readonly string[] | null | undefined {
    if (this.transport === null) return undefined;
    return this.names.size === this.urls.length ? [this.self, ...this.names.values()] : null;
  }

  /** How many of the others answered when they were asked last. */
  get reachable(): number {
    return [...this.names.keys()].filter((at) => !this.away.has(at)).length;
  }

  /** Why some of the others don't count, in words; empty when all that were found do. */
  get wrong(): readonly string[] {
    return [...this.faults.values()];
  }

  /** What this server's `/health` says to the others. */
  headers(): Readonly<Record<string, string>> {
    const address = this.transport?.address ?? null;
    return { [INSTANCE]: this.instance, ...(address === null ? {} : { [PEER_PORT]: new URL(address).port }) };
  }

  async ask(peer: string, message: CreationMessage): Promise<CreationAnswer> {
    if (this.transport === null) throw new KvError('NOT_FOUND', `there is no server ${peer}`);
    return askOfCreations(this.transport, peer, message);
  }

  /** Looks who is at the addresses whose servers aren't known, or have gone. Never throws. */
  async find(): Promise<void> {
    await Promise.all(this.urls.map((url) => this.hello(url)));
  }

  private async hello(url: URL): Promise<void> {
    const at = url.origin;
    try {
      const response = await fetch(new URL('/health', url), { signal: AbortSignal.timeout(HELLO_MS), redirect: 'error' });
      const { server_id: name } = JSON.parse(await shortBody(response)) as { server_id?: unknown };
      const port = Number(response.headers.get(PEER_PORT) ?? Number.NaN);
      if (typeof name !== 'string' || !Number.isInteger(port) || port < 1 || port > 65_535)
        return this.fault(at, `at ${at} is no server that replicates`);
      if (name === this.self) {
        const same = response.headers.get(INSTANCE) === this.instance;
        if (!same) this.namesake = `the server at ${at} is called ${name}, as this one`;
        return this.fault(at, same ? `the peer ${at} is this server itself` : (this.namesake ?? ''));
      }
      const twice = [...this.names].find(([other, known]) => known === name && other !== at);
      if (twice !== undefined) return this.fault(at, `${twice[0]} and ${at} are both server ${name}`);
      const address = `${this.secure ? 'https' : 'http'}://${url.hostname}:${port}`;
      this.transport?.meet(name, address);
      this.met(name, address);
      if (this.names.get(at) !== name || this.away.has(at)) this.log.info('replica.peer', { server: name, at });
      const isNew = this.names.get(at) !== name;
      this.names.set(at, name);
      if (isNew) await this.kept.write(this.names);
      this.faults.delete(at);
      this.away.delete(at);
    } catch (error) {
      if (KvError.is(error)) this.fault(at, error.message);
      else if (!this.away.has(at)) {
        this.away.add(at);
        this.log.warn('replica.peer-away', { at, message: toKvError(error).message });
      }
    }
  }

  private fault(at: string, message: string): void {
    this.names.delete(at);
    if (this.faults.get(at) !== message) this.log.error('replica.peer-wrong', { at, message });
    this.faults.set(at, message);
  }
}

/** The text of an answer that is to be short. Throws `IO_ERROR` when it isn't. */
async function shortBody(response: Response): Promise<string> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of response.body ?? []) {
    length += piece.length;
    if (length > MOST_BYTES) throw new KvError('IO_ERROR', `what answers at ${response.url} is no server that replicates`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}
