import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  KvError,
  bundleFile,
  linkNumber,
  manifestFile,
  MANIFEST_NAMESPACE,
  MAX_MANIFEST,
  type MirrorManifest,
  manifestPayload,
  type ObjectFormat,
  type Oid,
  parseManifestFile,
  type RefName,
  refsText,
  type SignatureVerifier,
} from '../../ports/index.js';
import { create, diskError, replace } from './durable.js';
import type { Git } from './git.js';
import type { ManifestKey } from './manifest-key.js';

/** How far a chain is: its newest link, and the refs after it. */
export interface Head {
  readonly chain: string;
  /** 0 before the first link. */
  readonly seq: number;
  readonly digest: string | null;
  readonly refs: ReadonlyMap<RefName, Oid>;
}

/** What a chain is kept with. */
export interface ChainOptions {
  /** The file in which its writer remembers how far it is. */
  readonly record: string;
  /** The folder that links are written to. */
  readonly outbox: string;
  readonly git: Git;
  readonly signer: ManifestKey;
  readonly verifier: SignatureVerifier;
}

/** Whoever writes to the same chain in this process waits for each other: branches and ledgers have a mirror target each. */
const queues = new Map<string, Promise<unknown>>();

/** A SHA-256, lower-case hex. */
export const sha256 = (bytes: string | Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/**
 * The chain of links that a Stargate has written. The record says how far it is, since links are carried away from the folder; a link
 * there that goes on from the record was written by this Stargate right before a crash, or since a backup, and counts.
 */
export class Chain {
  private constructor(
    private readonly options: ChainOptions,
    readonly format: ObjectFormat,
  ) {}

  /** Throws `IO_ERROR` when the folder can't be made. */
  static async open(options: ChainOptions): Promise<Chain> {
    const { git, outbox, record } = options;
    const format = (await git.run(['rev-parse', '--show-object-format'])) as ObjectFormat; // git knows these two
    // Where a chain was written, a folder that is missing is a disk that is not mounted.
    if ((await recorded(record)) === null) {
      await mkdir(outbox, { recursive: true }).catch((cause: unknown) => {
        throw diskError(outbox, cause);
      });
    }
    await sweepDrafts(outbox);
    return new Chain(options, format);
  }

  get outbox(): string {
    return this.options.outbox;
  }

  /** Runs while nobody else in this process reads or writes the chain. */
  async exclusively<T>(work: () => Promise<T>): Promise<T> {
    const { record } = this.options;
    const before = queues.get(record) ?? Promise.resolve();
    const mine = before.then(work, work);
    queues.set(
      record,
      mine.catch(() => undefined),
    );
    return mine;
  }

  /** The head by the record; links beyond it are not looked at. */
  async delivered(): Promise<Head> {
    return (
      (await recorded(this.options.record)) ?? { chain: randomBytes(16).toString('hex'), seq: 0, digest: null, refs: new Map() }
    );
  }

  /**
   * The head, links in the folder that go on from the record included; each of them is handed to `deliver` before it counts.
   * Throws `SYNC_REFUSED` for a folder that holds another chain, `IO_ERROR` when it can't be read.
   */
  async head(deliver: (manifest: MirrorManifest) => Promise<void> = async () => undefined): Promise<Head> {
    const { outbox, record } = this.options;
    let head = await recorded(record);
    const numbers = await this.numbers();
    const next = (head?.seq ?? 0) + 1;
    const beyond = numbers.filter((seq) => seq >= next);
    if (head !== null && numbers.includes(head.seq) && (await this.link(head.seq)).digest !== head.digest)
      throw elsewhere(outbox, head.seq);
    if (beyond.some((seq, i) => seq !== next + i)) throw elsewhere(outbox, beyond[0] as number);
    for (const seq of beyond) {
      const { manifest, digest } = await this.link(seq);
      const refs = new Map(head?.refs ?? []);
      for (const { ref, next: to } of manifest.moves) to === null ? refs.delete(ref) : refs.set(ref, to);
      const follows = manifest.prev === (head?.digest ?? null) && manifest.chain === (head?.chain ?? manifest.chain);
      if (!follows || manifest.seq !== seq || sha256(refsText(refs)) !== manifest.state) throw elsewhere(outbox, seq);
      await deliver(manifest);
      head = { chain: manifest.chain, seq, digest, refs };
      await this.remember(head);
    }
    return head ?? this.delivered();
  }

  /** Adds a link behind a head, whose bundle is in its place already; false when somebody else was quicker. */
  async add(manifest: MirrorManifest): Promise<boolean> {
    const payload = manifestPayload(manifest);
    const signature = await this.options.signer.sign(payload);
    const path = join(this.outbox, manifestFile(manifest.seq));
    try {
      return await create(path, `${payload}${signature}`);
    } catch (error) {
      throw diskError(this.outbox, error);
    }
  }

  /** Forgets the files of a link that was delivered. */
  async drop({ seq, bundle }: MirrorManifest): Promise<void> {
    const names = [...(bundle === null ? [] : [bundleFile(seq, bundle.sha256)]), manifestFile(seq)];
    for (const name of names) await rm(join(this.outbox, name), { force: true });
  }

  /** The numbers of the links in the folder. */
  async numbers(): Promise<number[]> {
    try {
      return (await readdir(this.outbox)).flatMap((name) => linkNumber(name) ?? []).sort((a, b) => a - b);
    } catch (error) {
      throw diskError(this.outbox, error);
    }
  }

  /** Reads a link of our own. Throws `SYNC_REFUSED` for one that this Stargate's key has not signed. */
  private async link(seq: number): Promise<{ readonly manifest: MirrorManifest; readonly digest: string }> {
    const { signer, verifier } = this.options;
    const path = join(this.outbox, manifestFile(seq));
    try {
      if ((await stat(path)).size > MAX_MANIFEST) throw elsewhere(this.outbox, seq);
      const { manifest, payload, signature } = parseManifestFile(await readFile(path), path);
      const key = await verifier.verify(payload, signature, [], MANIFEST_NAMESPACE);
      if (key.id !== signer.id) throw elsewhere(this.outbox, seq);
      return { manifest, digest: sha256(payload) };
    } catch (error) {
      if (KvError.is(error) && error.code === 'SIGNATURE_INVALID') throw elsewhere(this.outbox, seq);
      throw diskError(path, error);
    }
  }

  private async remember({ chain, seq, digest, refs }: Head): Promise<void> {
    const { record } = this.options;
    try {
      await mkdir(dirname(record), { recursive: true, mode: 0o700 });
      await replace(record, `${JSON.stringify({ v: 1, chain, seq, digest, refs: Object.fromEntries(refs) })}\n`);
    } catch (error) {
      throw diskError(record, error);
    }
  }
}

/** What a writer remembers; null where it has written nothing. Throws `CONFIG_INVALID` for a record that is none. */
async function recorded(file: string): Promise<Head | null> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw diskError(file, error);
  }
  try {
    const { v, chain, seq, digest, refs } = JSON.parse(text) as { v: number; refs: Record<RefName, Oid> } & Omit<Head, 'refs'>;
    if (v === 1 && typeof chain === 'string' && Number.isSafeInteger(seq) && typeof digest === 'string') {
      return { chain, seq, digest, refs: new Map(Object.entries(refs)) };
    }
  } catch {
    // told below
  }
  throw new KvError('CONFIG_INVALID', `${file} is no record of mirror-bundle`, {
    hint: 'put it back from a backup; without it, and with an empty folder, another chain begins',
  });
}

function elsewhere(folder: string, seq: number): KvError {
  return new KvError('SYNC_REFUSED', `${folder}: link ${seq} is not of the chain that this Stargate has written`, {
    hint: 'somebody else wrote there, or this Stargate was put back to an older state: give it an empty folder, and a chain of its own',
  });
}

/** What takes longer than that to write, nobody writes any more. Milliseconds. */
const STALE_MS = 24 * 3_600_000;

/** Removes what a crash has left; a folder that can't be read is told of when it is used. */
async function sweepDrafts(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const path = join(folder, name);
    if (!name.startsWith('.draft-')) continue;
    const written = await stat(path).then(
      ({ mtimeMs }) => mtimeMs,
      () => Number.POSITIVE_INFINITY, // it has gone meanwhile
    );
    if (Date.now() - written > STALE_MS) await rm(path, { force: true });
  }
}
