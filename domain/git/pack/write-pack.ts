import { KvError } from '../../../ports/error.js';
import type { HashStream } from '../../../ports/hasher.js';
import type { GitObject, ObjectFormat, Oid } from '../../../ports/vocabulary.js';
import { concat, writeHex } from '../bytes.js';
import { editDelta } from './delta.js';
import { baseDistance, entryHeader, OFS_DELTA, PACK_HEADER, packHeader, REF_DELTA, storedStream, TYPE_CODE } from './entry.js';
import type { Zlib } from './zlib.js';

/** An object that goes into a pack. */
export interface PackItem {
  readonly oid: Oid;
  /**
   * What it may be a delta of: the place of an item before it, or an object that the receiver has; null for neither. Whoever plans bounds
   * how long chains of these get.
   */
  readonly base: number | Oid | null;
}

/** What writing a pack takes. */
export interface PackWriting {
  readonly format: ObjectFormat;
  readonly read: (oids: readonly Oid[]) => Promise<readonly (GitObject | null)[]>;
  readonly zlib: Zlib;
  readonly hash: HashStream;
  /** The receiver finds a base by how far before it is. */
  readonly distances: boolean;
  /** Entries that go before those of the items, which may have bases among them. */
  readonly before?: WrittenEntries | null;
  /** Hears the entries of the items, as they are written. */
  readonly onEntries?: (entries: Uint8Array) => void;
}

/** Entries of a pack that were written already. */
export interface WrittenEntries {
  readonly count: number;
  readonly entries: readonly Uint8Array[];
  /** Of all of them. */
  readonly bytes: number;
}

/** Objects that are read at a time. */
const TOGETHER = 64;
/** To compress less, such as most commits, takes more time than it saves, bytes. */
const WORTH_DEFLATE = 256;
/** A smaller object is no delta, bytes. */
const WORTH_DELTA = 96;
/** What is handed on at a time, bytes. */
const PIECE = 64 * 1024;

/** A pack of these objects, in pieces. Throws `GIT_ERROR` for one that has gone meanwhile. */
export async function* writePack(items: readonly PackItem[], parts: PackWriting): AsyncGenerator<Uint8Array> {
  const { format, hash, zlib, before } = parts;
  const offsets = new Float64Array(items.length);
  const header = packHeader(items.length + (before?.count ?? 0));
  for (const written of [header, ...(before?.entries ?? [])]) {
    hash.update(written);
    yield written;
  }
  let waiting: Uint8Array[] = [];
  let [at, bytes] = [PACK_HEADER + (before?.bytes ?? 0), 0];
  const flush = (): Uint8Array => {
    const piece = concat(waiting);
    hash.update(piece);
    parts.onEntries?.(piece);
    [waiting, bytes] = [[], 0];
    return piece;
  };
  for (let from = 0; from < items.length; from += TOGETHER) {
    const some = items.slice(from, from + TOGETHER);
    const objects = await parts.read(some.map(({ oid }) => oid));
    const bases = await basesOf(some, items, parts);
    for (const [i, object] of objects.entries()) {
      const { oid, base } = some[i] as PackItem;
      if (object === null) throw new KvError('GIT_ERROR', `object ${oid} has gone while it was sent`, { hint: 'try again' });
      offsets[from + i] = at;
      const below = bases[i] ?? null;
      const delta = below === null || object.body.length < WORTH_DELTA ? null : editDelta(below.body, object.body);
      const entry: Uint8Array[] = [];
      if (delta === null || below === null) entry.push(entryHeader(TYPE_CODE[object.type], object.body.length));
      else if (typeof base === 'number' && parts.distances)
        entry.push(entryHeader(OFS_DELTA, delta.length), baseDistance(at - (offsets[base] ?? 0)));
      else entry.push(entryHeader(REF_DELTA, delta.length), named(below.oid));
      const content = delta ?? object.body;
      if (content.length < WORTH_DEFLATE) entry.push(...storedStream(content));
      else {
        const packed = zlib.deflate(content);
        entry.push('then' in packed ? await packed : packed);
      }
      for (const part of entry) {
        waiting.push(part);
        at += part.length;
        bytes += part.length;
      }
      if (bytes >= PIECE) yield flush();
    }
    await zlib.turn();
  }
  if (bytes > 0) yield flush();
  yield writeOid(hash.hex(), format === 'sha1' ? 20 : 32);
}

async function basesOf(
  some: readonly PackItem[],
  items: readonly PackItem[],
  { read }: PackWriting,
): Promise<(GitObject | null)[]> {
  const wanted = some.map(({ base }) => (typeof base === 'number' ? (items[base]?.oid ?? null) : base));
  const oids = wanted.filter((oid) => oid !== null);
  const found = oids.length === 0 ? [] : await read(oids);
  let next = 0;
  return wanted.map((oid) => (oid === null ? null : (found[next++] ?? null)));
}

const named = (oid: Oid): Uint8Array => writeOid(oid, oid.length / 2);

function writeOid(hex: string, bytes: number): Uint8Array {
  const out = new Uint8Array(bytes);
  writeHex(hex, out, 0);
  return out;
}
