import { FEW, type Few, fewObjects } from '../../../../domain/repo/serve/few-objects.js';
import { soundPack } from '../../../../domain/repo/serve/push/sound-pack.js';
import type { ObjectNamer } from '../../../../domain/git/object.js';
import { type PackItem, writePack } from '../../../../domain/git/pack/write-pack.js';
import { KvError } from '../../../../ports/error.js';
import type { GitStore, NewObject } from '../../../../ports/git/git-store.js';
import type { GitObject, Oid } from '../../../../ports/vocabulary.js';
import { nodeZlib } from '../../../node-zlib.js';
import { RecentObjects } from './recent-objects.js';

/** The largest stream that is taken into memory to be read, bytes. */
const MOST_BYTES = 4 * 1024 * 1024;
const MAGIC = 'PACK';

/** What a stream held: a small pack whole, or the same stream again. */
export type Collected = { readonly pack: Uint8Array } | { readonly stream: AsyncIterable<Uint8Array> };

/** Small packs, made and read in this process: for what an entry usually brings, a process of git costs more than all of the rest. */
export class SmallPacks {
  constructor(
    private readonly store: Pick<GitStore, 'read' | 'headers' | 'objectFormat'>,
    private readonly namer: ObjectNamer,
    /** What it reads with. */
    private readonly recent = new RecentObjects(store),
  ) {}

  /** Remembers objects that are on their way to the disk, or have just come there. */
  keep(objects: Iterable<GitObject>): void {
    this.recent.keep(objects);
  }

  /**
   * What commits reach and others don't, as a pack; null where that is no little, which is git's to do. A thin pack has trees as deltas, also
   * of those that the others reach: for a receiver that has these.
   */
  async make(
    want: readonly Oid[],
    have: readonly Oid[],
    { few: bound, thin }: { readonly few: Few; readonly thin: boolean } = { few: FEW, thin: false },
  ): Promise<readonly Uint8Array[] | null> {
    const { objectFormat: format } = this.store;
    const few = await fewObjects(this.recent, format, want, have, bound);
    if (few === null) return null;
    if (few.length === 0) return [];
    const byOid = new Map<Oid, GitObject>(few.map((object) => [object.oid, object]));
    const read = async (oids: readonly Oid[]): Promise<(GitObject | null)[]> => {
      const others = new Map<Oid, GitObject | null>();
      const unknown = oids.filter((oid) => !byOid.has(oid));
      for (const [at, object] of (unknown.length === 0 ? [] : await this.recent.read(unknown)).entries())
        others.set(unknown[at] as Oid, object);
      return oids.map((oid) => byOid.get(oid) ?? others.get(oid) ?? null);
    };
    const items = thin ? asDeltas(few) : few.map(({ oid }) => ({ oid, base: null }));
    const pieces: Uint8Array[] = [];
    const hash = this.namer.hasher.stream(format);
    for await (const piece of writePack(items, { format, read, zlib: nodeZlib, hash, distances: true })) pieces.push(piece);
    return pieces;
  }

  /** The objects of a small pack, checked. Null where it is too large for this once it is unpacked. Throws `GIT_ERROR`. */
  async read(pack: Uint8Array): Promise<readonly NewObject[] | null> {
    const { store, namer, recent } = this;
    const headers = (oids: readonly Oid[]) => store.headers(oids);
    try {
      const objects = await soundPack(pack, { namer, zlib: nodeZlib, reader: recent, headers });
      recent.keep(objects);
      return objects;
    } catch (error) {
      if (KvError.is(error) && error.details?.['tooMany'] === true) return null;
      throw error;
    }
  }
}

/** Deltas upon deltas of one pack, of which each is made of the one before. */
const DEEPEST = 1000;

/** The oldest first, since that is what newer ones are like. */
function asDeltas(few: readonly NewObject[]): PackItem[] {
  const places = new Map<Oid, number>();
  const depths: number[] = [];
  return few.toReversed().map(({ oid, like }, at) => {
    places.set(oid, at);
    const place = like === undefined ? undefined : places.get(like);
    const depth = place === undefined ? 0 : (depths[place] ?? 0) + 1;
    depths.push(depth);
    return { oid, base: depth > DEEPEST ? null : (place ?? like ?? null) };
  });
}

/** Takes a stream into memory as long as it is a small pack. Throws what it throws. */
export async function collectPack(stream: AsyncIterable<Uint8Array>, mostBytes = MOST_BYTES): Promise<Collected> {
  const source = stream[Symbol.asyncIterator]();
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  let rest = true;
  while (rest && bytes <= mostBytes) {
    const next = await source.next();
    rest = next.done !== true;
    if (next.done === true) break;
    pieces.push(next.value);
    bytes += next.value.length;
  }
  const start = Buffer.concat(pieces);
  if (!rest && start.toString('latin1', 0, MAGIC.length) === MAGIC) return { pack: start };
  async function* again(): AsyncIterable<Uint8Array> {
    try {
      if (start.length > 0) yield start;
      while (rest) {
        const next = await source.next();
        if (next.done === true) break;
        yield next.value;
      }
    } finally {
      await source.return?.();
    }
  }
  return { stream: again() };
}
