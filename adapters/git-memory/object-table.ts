import { randomFillSync } from 'node:crypto';
import { KvError } from '../../ports/error.js';
import type { GitObject, ObjectFormat, ObjectType, Oid } from '../../ports/vocabulary.js';

/** The first buffer, and the largest, bytes: there may be ten thousand repositories of a few objects. */
const FIRST = 1024;
const SLAB = 64 * 1024;
/** As many as addresses have numbers for. */
const MOST_SLABS = 2 ** 17;
/** A larger body has a buffer of its own, bytes. */
const SMALL = 4096;
/** Words of the first table: two a place. */
const PLACES = 32;
/** What has gone is cleared away when there is so much of it, and more than of what is there, bytes. */
const WORTH_CLEARING = 64 * 1024;

const TYPES: readonly ObjectType[] = ['blob', 'tree', 'commit', 'tag'];
/** In the first byte of a record, beside the type: its body is elsewhere; it has gone. */
const ELSEWHERE = 4;
const GONE = 8;

/** Seeds of tables to come, drawn together: each draw is a call of the system's, which a small repository would feel. */
const seeds = new Int32Array(256);
let seedsUsed = seeds.length;

function drawSeed(): number {
  if (seedsUsed === seeds.length) {
    randomFillSync(seeds);
    seedsUsed = 0;
  }
  return seeds[seedsUsed++] as number;
}

/** The id that is being looked for: nobody waits between reading it and finding its place. */
const wanted = new Uint8Array(32);

const FREE = 0;
const LEFT = -1;

/**
 * Objects by their ids, with nothing for the garbage collector to walk over: each is a record in a large buffer, that is a byte for the
 * type, the id in bytes, the length of the body in four, and the body; and records are found through a hash table of their addresses and
 * hashes (open addressing, at most half full). A record begins at a multiple of four, so that an address is the number of its buffer in the upper 17
 * bits of 31, and a quarter of its offset in the lower 14.
 */
export class ObjectTable {
  private readonly idBytes: number;
  private slabs: Uint8Array[] = [];
  private used = 0;
  private places = new Int32Array(PLACES);
  /** Places that are not free: of what is there, and of what has gone. */
  private taken = 0;
  private large: (Uint8Array | undefined)[] = [];
  /** Chosen by nobody: ids that meet in one place could be looked for otherwise. */
  private readonly seed: number;
  /** How many objects there are. */
  count = 0;
  /** Bytes of their bodies. */
  bodyBytes = 0;
  private goneBytes = 0;
  private liveBytes = 0;

  constructor(format: ObjectFormat) {
    this.idBytes = format === 'sha1' ? 20 : 32;
    this.seed = drawSeed();
  }

  has(oid: Oid): boolean {
    return this.parse(oid) && this.find() >= 0;
  }

  get(oid: Oid): GitObject | null {
    if (!this.parse(oid)) return null;
    const place = this.find();
    return place < 0 ? null : this.record(this.places[place] as number, oid);
  }

  /** Keeps an object, in memory of its own; false where it is there already. Throws `RangeError` for what is no id. */
  add({ oid, type, body }: GitObject): boolean {
    if (!this.parse(oid)) throw new RangeError('no object id of this format');
    const place = this.find();
    if (place >= 0) return false;
    const isSmall = body.length <= SMALL;
    const size = 5 + this.idBytes + (isSmall ? body.length : 0);
    const address = this.room(size);
    const slab = this.slabs[this.slabs.length - 1] as Uint8Array;
    const at = (address & 0x3fff) << 2;
    slab[at] = TYPES.indexOf(type) | (isSmall ? 0 : ELSEWHERE);
    for (let i = 0; i < this.idBytes; i++) slab[at + 1 + i] = wanted[i] as number;
    const bodyAt = at + 5 + this.idBytes;
    if (isSmall) {
      writeLength(slab, bodyAt - 4, body.length);
      slab.set(body, bodyAt);
    } else {
      writeLength(slab, bodyAt - 4, this.large.length);
      this.large.push(body.length === body.buffer.byteLength ? body : new Uint8Array(body)); // a Buffer's own slice would be a piece of the same buffer
    }
    if (this.places[~place] === FREE) this.taken += 1;
    this.places[~place] = address + 1;
    this.places[~place + 1] = this.hash();
    this.count += 1;
    this.bodyBytes += body.length;
    this.liveBytes += size;
    if (4 * this.taken > this.places.length) this.grow();
    return true;
  }

  /** Forgets an object; gives its body's length, or -1 where it isn't here. */
  drop(oid: Oid): number {
    if (!this.parse(oid)) return -1;
    const place = this.find();
    if (place < 0) return -1;
    const [slab, at] = this.at((this.places[place] as number) - 1);
    this.places[place] = LEFT;
    const length = this.leave(slab, at);
    this.clearAway();
    return length;
  }

  /** Forgets all. */
  clear(): void {
    this.slabs = [];
    this.used = 0;
    this.places = new Int32Array(PLACES);
    this.large = [];
    [this.taken, this.count, this.bodyBytes, this.goneBytes, this.liveBytes] = [0, 0, 0, 0, 0];
  }

  /** All objects, in the order in which they came. Nothing may be added or dropped meanwhile. */
  *[Symbol.iterator](): Generator<GitObject> {
    for (const [slab, at] of this.records())
      yield { oid: this.idAt(slab, at), type: TYPES[(slab[at] as number) & 3] as ObjectType, body: this.body(slab, at) };
  }

  /** Their ids, in the same order, and under the same condition. */
  *ids(): Generator<Oid> {
    for (const [slab, at] of this.records()) yield this.idAt(slab, at);
  }

  private idAt(slab: Uint8Array, at: number): Oid {
    return Buffer.from(slab.buffer, slab.byteOffset + at + 1, this.idBytes).toString('hex');
  }

  /** Where the records are that have not gone. */
  private *records(): Generator<readonly [slab: Uint8Array, at: number]> {
    for (const [number, slab] of this.slabs.entries()) {
      const end = number === this.slabs.length - 1 ? this.used : slab.length;
      for (let at = 0; at + 5 + this.idBytes <= end; ) {
        const kind = slab[at] as number;
        if (kind === UNUSED) break; // what was too little for another record
        if ((kind & GONE) === 0) yield [slab, at];
        at += (this.sizeAt(slab, at) + 3) & ~3;
      }
    }
  }

  private sizeAt(slab: Uint8Array, at: number): number {
    const own = (slab[at] as number) & ELSEWHERE ? 0 : readLength(slab, at + 1 + this.idBytes);
    return 5 + this.idBytes + own;
  }

  private leave(slab: Uint8Array, at: number): number {
    const kind = slab[at] as number;
    const size = this.sizeAt(slab, at);
    const { length } = this.body(slab, at);
    if (kind & ELSEWHERE) this.large[readLength(slab, at + 1 + this.idBytes)] = undefined;
    slab[at] = kind | GONE;
    this.count -= 1;
    this.bodyBytes -= length;
    this.liveBytes -= size;
    this.goneBytes += size;
    return length;
  }

  /** Copies what is there where most has gone: whoever holds a body of before has the old buffer. */
  private clearAway(): void {
    if (this.goneBytes < WORTH_CLEARING || this.goneBytes < this.liveBytes) return;
    const kept = [...this];
    this.clear();
    for (const object of kept) this.add(object);
  }

  private record(place: number, oid: Oid): GitObject {
    const slab = this.slabs[(place - 1) >>> 14] as Uint8Array;
    const at = ((place - 1) & 0x3fff) << 2;
    return { oid, type: TYPES[(slab[at] as number) & 3] as ObjectType, body: this.body(slab, at) };
  }

  private at(address: number): [slab: Uint8Array, at: number] {
    return [this.slabs[address >>> 14] as Uint8Array, (address & 0x3fff) << 2];
  }

  private body(slab: Uint8Array, at: number): Uint8Array {
    const bodyAt = at + 5 + this.idBytes;
    const length = readLength(slab, bodyAt - 4);
    if ((slab[at] as number) & ELSEWHERE) return this.large[length] as Uint8Array;
    return new Uint8Array(slab.buffer, slab.byteOffset + bodyAt, length);
  }

  /** The address of room for a record, at the end of the newest buffer. */
  private room(size: number): number {
    const last = this.slabs[this.slabs.length - 1];
    if (last === undefined || size > last.length - this.used) {
      if (this.slabs.length === MOST_SLABS)
        throw new KvError('STORAGE_FULL', `a repository in memory has at most ${MOST_SLABS * SLAB} bytes of small objects`);
      if (last !== undefined && this.used < last.length) last[this.used] = UNUSED;
      const length = Math.max(Math.min(SLAB, Math.max(FIRST, 2 * (last?.length ?? 0))), (size + 3) & ~3);
      this.slabs.push(new Uint8Array(length));
      this.used = 0;
    }
    const address = ((this.slabs.length - 1) << 14) | (this.used >> 2);
    this.used += (size + 3) & ~3;
    return address;
  }

  /** The place of the id in `wanted`, which is of two words; where it isn't here, the complement of the place that it may have. */
  private find(): number {
    const { places, idBytes } = this;
    const mask = places.length - 2;
    const hash = this.hash();
    let free = -1;
    for (let place = (hash << 1) & mask; ; place = (place + 2) & mask) {
      const found = places[place] as number;
      if (found === FREE) return ~(free < 0 ? place : free);
      if (found === LEFT) {
        if (free < 0) free = place;
        continue;
      }
      // Most that are others' are told apart here, without a look at what is far away.
      if (places[place + 1] !== hash) continue;
      const slab = this.slabs[(found - 1) >>> 14] as Uint8Array;
      const at = (((found - 1) & 0x3fff) << 2) + 1;
      let same = 0;
      while (same < idBytes && slab[at + same] === wanted[same]) same++;
      if (same === idBytes) return place;
    }
  }

  /** Of the id in `wanted`: its bytes are as good as random, but for whoever chooses them. */
  private hash(): number {
    const word = readLength(wanted, 0);
    const mixed = Math.imul(word ^ this.seed, 0x9e3779b1);
    return mixed ^ (mixed >>> 15);
  }

  private grow(): void {
    const { places } = this;
    const next = new Int32Array(8 * this.count > places.length ? 2 * places.length : places.length);
    const mask = next.length - 2;
    for (let from = 0; from < places.length; from += 2) {
      const found = places[from] as number;
      if (found === FREE || found === LEFT) continue;
      const hash = places[from + 1] as number;
      let place = (hash << 1) & mask;
      while (next[place] !== FREE) place = (place + 2) & mask;
      next[place] = found;
      next[place + 1] = hash;
    }
    this.places = next;
    this.taken = this.count;
  }

  /** Reads an id into `wanted`; false for what is none of this format. */
  private parse(oid: Oid): boolean {
    const { idBytes } = this;
    if (oid.length !== 2 * idBytes) return false;
    for (let i = 0; i < idBytes; i++) {
      const high = nibble(oid.charCodeAt(2 * i));
      const low = nibble(oid.charCodeAt(2 * i + 1));
      if ((high | low) >>> 4 !== 0) return false;
      wanted[i] = (high << 4) | low;
    }
    return true;
  }
}

/** Where a buffer had no room for a whole record more. */
const UNUSED = 0xff;

/** What a character is as a digit; for none, a number that has other bits than the lowest four. */
const nibble = (code: number): number => (code <= 57 ? code - 48 : code < 97 ? 16 : code - 87);

function writeLength(bytes: Uint8Array, at: number, length: number): void {
  bytes[at] = length & 255;
  bytes[at + 1] = (length >>> 8) & 255;
  bytes[at + 2] = (length >>> 16) & 255;
  bytes[at + 3] = length >>> 24;
}

function readLength(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24)) >>>
    0
  );
}
