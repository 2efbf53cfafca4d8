import { KvError } from '../../../ports/error.js';
import type { HashStream } from '../../../ports/hasher.js';
import type { GitObject, ObjectFormat, Oid } from '../../../ports/vocabulary.js';
import { writeHex } from '../bytes.js';
import { editDelta } from './delta.js';
import {
  LONGEST_NUMBER,
  OFS_DELTA,
  PACK_HEADER,
  packHeader,
  REF_DELTA,
  storedSize,
  TYPE_CODE,
  writeBaseDistance,
  writeEntryHeader,
  writeStored,
} from './entry.js';
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
/** So many objects are remembered, none of them larger, bytes. */
const RECENT = 1024;
const SMALL = 4096;
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
  const waiting = new Piece();
  const recent = new Recent();
  let at = PACK_HEADER + (before?.bytes ?? 0);
  const flush = (): Uint8Array => {
    const piece = waiting.take();
    hash.update(piece);
    parts.onEntries?.(piece);
    return piece;
  };
  for (let from = 0; from < items.length; from += TOGETHER) {
    const some = items.slice(from, from + TOGETHER);
    const objects = await parts.read(some.map(({ oid }) => oid));
    for (const [i, object] of objects.entries()) recent.put(from + i, object);
    const bases = await basesOf(some, items, recent, parts);
    for (const [i, object] of objects.entries()) {
      const { oid, base } = some[i] as PackItem;
      if (object === null) throw new KvError('GIT_ERROR', `object ${oid} has gone while it was sent`, { hint: 'try again' });
      offsets[from + i] = at;
      const below = bases[i] ?? null;
      const delta = below === null || object.body.length < WORTH_DELTA ? null : editDelta(below.body, object.body);
      const content = delta ?? object.body;
      const packing = content.length < WORTH_DEFLATE ? null : zlib.deflate(content);
      const packed = packing !== null && 'then' in packing ? await packing : packing;
      const start = waiting.used;
      if (delta === null || below === null) waiting.header(TYPE_CODE[object.type], content.length);
      else if (typeof base === 'number' && parts.distances)
        waiting.header(OFS_DELTA, content.length).distance(at - (offsets[base] ?? 0));
      else waiting.header(REF_DELTA, content.length).name(below.oid);
      if (packed === null) waiting.stored(content);
      else waiting.bytes(packed);
      at += waiting.used - start;
      if (waiting.used >= PIECE) yield flush();
    }
    await zlib.turn();
  }
  if (waiting.used > 0) yield flush();
  const checksum = new Uint8Array(format === 'sha1' ? 20 : 32);
  writeHex(hash.hex(), checksum, 0);
  yield checksum;
}

/** Entries that wait to be handed on together. */
class Piece {
  private room = new Uint8Array(2 * PIECE);
  used = 0;

  header(code: number, size: number): this {
    const room = this.roomFor(LONGEST_NUMBER);
    this.used = writeEntryHeader(code, size, room, this.used);
    return this;
  }

  distance(distance: number): void {
    const room = this.roomFor(LONGEST_NUMBER);
    this.used = writeBaseDistance(distance, room, this.used);
  }

  name(oid: Oid): void {
    const room = this.roomFor(oid.length / 2);
    this.used = writeHex(oid, room, this.used);
  }

  stored(body: Uint8Array): void {
    const room = this.roomFor(storedSize(body.length));
    this.used = writeStored(body, room, this.used);
  }

  bytes(bytes: Uint8Array): void {
    this.roomFor(bytes.length).set(bytes, this.used);
    this.used += bytes.length;
  }

  /** What there is, in memory of its own; nothing is left. */
  take(): Uint8Array {
    const isLarge = this.room.length > 2 * PIECE;
    const taken = isLarge ? this.room.subarray(0, this.used) : this.room.slice(0, this.used);
    if (isLarge) this.room = new Uint8Array(2 * PIECE);
    this.used = 0;
    return taken;
  }

  private roomFor(more: number): Uint8Array {
    const wanted = this.used + more;
    if (wanted > this.room.length) {
      const room = new Uint8Array(wanted);
      room.set(this.room.subarray(0, this.used));
      this.room = room;
    }
    return this.room;
  }
}

/** The small objects that were read last, by their places: most deltas are of what stands shortly before them. */
class Recent {
  private readonly places = new Int32Array(RECENT).fill(-1);
  private readonly objects: (GitObject | null)[] = new Array<GitObject | null>(RECENT).fill(null);

  put(place: number, object: GitObject | null): void {
    const isSmall = object !== null && object.body.length <= SMALL;
    this.places[place % RECENT] = isSmall ? place : -1;
    this.objects[place % RECENT] = isSmall ? object : null;
  }

  get(place: number): GitObject | null {
    return this.places[place % RECENT] === place ? (this.objects[place % RECENT] ?? null) : null;
  }
}

/** What each is a delta of, where it is to be had. */
async function basesOf(
  some: readonly PackItem[],
  items: readonly PackItem[],
  recent: Recent,
  { read }: PackWriting,
): Promise<(GitObject | null)[]> {
  const found = some.map(({ base }) => (typeof base === 'number' ? recent.get(base) : null));
  const missing: number[] = [];
  const wanted: Oid[] = [];
  for (const [i, { base }] of some.entries()) {
    const oid = typeof base === 'number' ? items[base]?.oid : base;
    if (found[i] !== null || typeof oid !== 'string') continue;
    missing.push(i);
    wanted.push(oid);
  }
  const objects = wanted.length === 0 ? [] : await read(wanted);
  for (const [n, i] of missing.entries()) found[i] = objects[n] ?? null;
  return found;
}
