import type { Hasher } from '../../../ports/hasher.js';
import type { Oid } from '../../../ports/vocabulary.js';
import { spellsHex, toHex, utf8, writeHex } from '../../git/bytes.js';

/** How much of a key's digest stands for it, bytes: no two keys share as much by chance, nor for any price that a forger could pay. */
const DIGEST = 20;
/** Records in one piece of memory. */
const PAGE = 16_384;
/** A first size of the table of slots; a power of two. */
const FIRST = 1024;

/**
 * An object id and a small number for each of many keys, in 50 to 70 bytes a key, whatever the keys' lengths: a million strings and
 * objects would take ten times as much. What it is asked for are keys in their urlsafe form, or any other digests of keys, SHA-256 in hex,
 * of one kind; it can't say which it has.
 */
export class KeyTable {
  size = 0;
  private readonly pages: Uint8Array[] = [];
  private slots = new Uint32Array(FIRST); // a record's number and 1; 0: free
  private readonly wanted = new Uint8Array(DIGEST);
  private readonly width: number;

  /** `oidBytes` is 20 or 32. */
  constructor(
    private readonly hasher: Hasher,
    private readonly oidBytes: number,
  ) {
    this.width = DIGEST + oidBytes + 1;
  }

  /** Puts a key in, or replaces what it had; gives its record. `oid` null: none is known. `mark` is 0 to 255. */
  put(urlsafe: string, oid: Oid | null, mark: number): number {
    return this.putDigest(this.digestOf(urlsafe), oid, mark);
  }

  /** The same by the key's digest. */
  putDigest(digest: string, oid: Oid | null, mark: number): number {
    let record = this.findDigest(digest);
    if (record < 0) {
      record = this.size++;
      if (record % PAGE === 0) this.pages.push(new Uint8Array(PAGE * this.width));
      if (2 * this.size > this.slots.length) this.grow();
      const page = this.page(record);
      page.set(this.wanted, this.offset(record));
      this.occupy(record);
    }
    const [page, at] = [this.page(record), this.offset(record) + DIGEST];
    if (oid !== null) writeHex(oid, page, at);
    else page.fill(0, at, at + this.oidBytes);
    page[at + this.oidBytes] = mark;
    return record;
  }

  /** The record of a key; -1 when it has none. */
  find(urlsafe: string): number {
    return this.findDigest(this.digestOf(urlsafe));
  }

  /** The same by the key's digest. */
  findDigest(digest: string): number {
    writeHex(digest, this.wanted, 0, 2 * DIGEST);
    const mask = this.slots.length - 1;
    for (let slot = startOf(this.wanted, 0) & mask; ; slot = (slot + 1) & mask) {
      const held = this.slots[slot] as number;
      if (held === 0) return -1;
      if (this.isWanted(held - 1)) return held - 1;
    }
  }

  /** Whether a record has this id. */
  hasOid(record: number, oid: Oid): boolean {
    return spellsHex(this.page(record), this.offset(record) + DIGEST, oid);
  }

  /** The id of a record; zeroes when none is known. */
  oid(record: number): Oid {
    const at = this.offset(record) + DIGEST;
    return toHex(this.page(record), at, at + this.oidBytes);
  }

  /** The small number of a record. */
  mark(record: number): number {
    return this.page(record)[this.offset(record) + this.width - 1] as number;
  }

  setMark(record: number, mark: number): void {
    this.page(record)[this.offset(record) + this.width - 1] = mark;
  }

  private digestOf(urlsafe: string): string {
    return this.hasher.hex('sha256', utf8(urlsafe));
  }

  private page(record: number): Uint8Array {
    return this.pages[Math.floor(record / PAGE)] as Uint8Array;
  }

  private offset(record: number): number {
    return (record % PAGE) * this.width;
  }

  private isWanted(record: number): boolean {
    const [page, at] = [this.page(record), this.offset(record)];
    for (let i = 0; i < DIGEST; i++) if (page[at + i] !== this.wanted[i]) return false;
    return true;
  }

  private occupy(record: number): void {
    const mask = this.slots.length - 1;
    let slot = startOf(this.page(record), this.offset(record)) & mask;
    while (this.slots[slot] !== 0) slot = (slot + 1) & mask;
    this.slots[slot] = record + 1;
  }

  private grow(): void {
    this.slots = new Uint32Array(2 * this.slots.length);
    for (let record = 0; record < this.size - 1; record++) this.occupy(record);
  }
}

/** Where the search for a digest begins. */
function startOf(bytes: Uint8Array, at: number): number {
  const [a, b, c, d] = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]] as [number, number, number, number];
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
}
