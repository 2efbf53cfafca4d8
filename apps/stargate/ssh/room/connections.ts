import type { Socket } from 'node:net';
import { connectionBounds } from '../../../../domain/gateway/limits/connection-limits.js';
import { networkOf } from '../../../../ports/grammar/network/network.js';
import type { Limits } from '../../../../ports/stargate/limits.js';
import type { Crowd } from './busy.js';
import { expendable, type Waiting } from './expendable.js';

/** Bounds on connections, which have authenticated or (`connectionsUnproven`) have not. */
export type ConnectionLimits = Limits & { readonly connectionsPerKey: number };

/** Whose connection it is, once its key is proved. */
export interface Holder {
  readonly key: string;
  /** Whether the places that are kept from readers are for this one. */
  readonly writes: boolean;
}

interface Held extends Waiting {
  advanced: number;
  readonly socket: Socket;
  readonly address: string;
  /** Undefined before its key is proved. */
  holder: Holder | undefined;
  /** Commands that run. */
  commands: number;
  /** Since when it has had no command: ms since the epoch. */
  restsSince: number;
  timer: NodeJS.Timeout | undefined;
}

/** So many networks from which somebody has logged in are remembered, those of the newest logins. */
const KNOWN_NETWORKS = 1024;

/** Who is connected, and who has to go when there is no room. */
export class SshConnections {
  /** By remote address and port, the longest-waiting first. */
  private readonly held = new Map<string, Held>();
  /** The one of the newest login last. */
  private readonly known = new Set<string>();

  /** The bounds are asked for whenever they count: a policy may change. */
  constructor(private readonly bounds: () => ConnectionLimits) {}

  private get limits(): ConnectionLimits {
    return this.bounds();
  }

  get sockets(): Socket[] {
    return [...this.held.values()].map(({ socket }) => socket);
  }

  socket(remote: string): Socket | undefined {
    return this.held.get(remote)?.socket;
  }

  isProven(remote: string): boolean {
    return this.held.get(remote)?.holder !== undefined;
  }

  /** Takes a new connection. Gives the address of the one that had to go for it, if any: it may be this one. */
  arrive(socket: Socket): string | undefined {
    const address = socket.remoteAddress ?? '';
    const entry: Held = {
      ...{ socket, address, network: networkOf(address), advanced: performance.now() },
      ...{ holder: undefined, commands: 0, restsSince: Date.now(), timer: undefined },
    };
    const name = `${address}:${socket.remotePort}`;
    this.held.set(name, entry);
    this.within(entry, this.limits.handshakeTimeout);
    socket.once('close', () => {
      clearTimeout(entry.timer);
      if (this.held.get(name) === entry) this.held.delete(name);
    });
    const waiting = [...this.held.values()].filter(({ holder }) => holder === undefined);
    const dropped = waiting.length <= this.limits.connectionsUnproven ? undefined : this.expendable(waiting);
    if (dropped !== undefined) this.drop(dropped);
    return dropped?.address;
  }

  /** A connection has come a step closer to its login. */
  advanced(remote: string): void {
    const entry = this.held.get(remote);
    if (entry !== undefined) entry.advanced = performance.now();
  }

  /** The session keys are agreed: gives the client the time to authenticate. */
  agreed(remote: string): void {
    const entry = this.held.get(remote);
    if (entry === undefined || entry.holder !== undefined) return;
    entry.advanced = performance.now();
    this.within(entry, this.limits.loginTimeout);
  }

  /**
   * Counts a connection as its key's. An idle one goes where room is needed; when all are at work, says of whom there are too many, and
   * the connection has as long as a handshake to hear of it.
   */
  prove(remote: string, holder: Holder): 'room' | Crowd {
    const entry = this.held.get(remote);
    if (entry === undefined) return { of: 'all', limit: this.limits.connections, what: 'connections' };
    const crowd = this.crowdFor(holder, entry);
    const idle = crowd?.rivals.find(
      ({ commands, restsSince }) => commands === 0 && Date.now() - restsSince >= this.limits.idleGrace,
    );
    if (crowd !== undefined && idle === undefined) {
      this.within(entry, this.limits.handshakeTimeout);
      return crowd;
    }
    if (idle !== undefined) this.drop(idle);
    entry.holder = holder;
    this.remember(entry.network);
    this.rest(remote, entry);
    return 'room';
  }

  /** A command begins. */
  begin(remote: string): void {
    const entry = this.held.get(remote);
    if (entry === undefined) return;
    entry.commands += 1;
    clearTimeout(entry.timer);
  }

  /** A command has ended. */
  end(remote: string): void {
    const entry = this.held.get(remote);
    if (entry === undefined) return;
    entry.commands -= 1;
    if (entry.commands === 0) this.rest(remote, entry);
  }

  /** Gives a connection that is to end as long as a handshake, whatever runs on it. */
  dismiss(remote: string): void {
    const entry = this.held.get(remote);
    if (entry !== undefined) this.within(entry, this.limits.handshakeTimeout);
  }

  /** Of whom there are as many as may be, and who they are; undefined while there is room. */
  private crowdFor({ key, writes }: Holder, entry: Held): (Crowd & { readonly rivals: readonly Held[] }) | undefined {
    const { connections, connectionsPerKey } = this.limits;
    const { readers } = connectionBounds(this.limits);
    const proven = [...this.held.values()].filter((other) => other.holder !== undefined && other !== entry);
    const full = (of: Crowd['of'], limit: number, rivals: readonly Held[]) =>
      rivals.length < limit ? undefined : { of, limit, what: 'connections' as const, rivals };
    const reading = proven.filter(({ holder }) => holder?.writes === false);
    return (
      full(
        'key',
        connectionsPerKey,
        proven.filter(({ holder }) => holder?.key === key),
      ) ??
      (writes ? undefined : full('readers', readers, reading)) ??
      full('all', connections, [...reading, ...proven.filter(({ holder }) => holder?.writes === true)])
    );
  }

  private expendable(waiting: readonly Held[]): Held | undefined {
    const { sparedOfNetwork } = connectionBounds(this.limits);
    return expendable(waiting, { sparedOfNetwork, knows: (network) => this.known.has(network) });
  }

  private remember(network: string): void {
    this.known.delete(network);
    this.known.add(network);
    const [oldest] = this.known;
    if (this.known.size > KNOWN_NETWORKS && oldest !== undefined) this.known.delete(oldest);
  }

  private rest(remote: string, entry: Held): void {
    // To the end of the line: the order of idle connections is how long they are idle.
    this.held.delete(remote);
    this.held.set(remote, entry);
    entry.restsSince = Date.now();
    this.within(entry, this.limits.idleTimeout);
  }

  private within(entry: Held, milliseconds: number): void {
    clearTimeout(entry.timer);
    entry.timer = setTimeout(() => entry.socket.destroy(), milliseconds);
  }

  /** Makes room at once: the socket's `close` comes later. */
  private drop(entry: Held): void {
    clearTimeout(entry.timer);
    for (const [name, other] of this.held) if (other === entry) this.held.delete(name);
    entry.socket.destroy();
  }
}
