/** Words of 32 bits that an id takes. */
const WORDS = 4;
const SMALLEST = 64;
/** The table grows by this factor once it is so full: an id then takes 20 to 30 bytes. */
const GROWTH = 1.5;
const FULLEST = 0.8;
const DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/**
 * A set of ULIDs that takes as little memory as it can: a hash table in one piece, its ids as numbers. A million take at most 30 MB.
 * `seed` is to be random, and nobody else's to know: who knew it could choose ids that all fall into one place.
 */
export class UlidSet {
  private table = new Uint32Array(SMALLEST * WORDS);
  private taken = 0;
  /** A place of the table that is all zeros is free, so the id that is all zeros stands here. */
  private zero = false;
  private readonly id = new Uint32Array(WORDS);

  constructor(private readonly seed: number) {}

  get size(): number {
    return this.taken + (this.zero ? 1 : 0);
  }

  /** Bytes that the table takes. */
  get bytes(): number {
    return this.table.byteLength;
  }

  /** Whether a ULID, 26 characters in upper case, is in the set. */
  has(ulid: string): boolean {
    this.read(ulid);
    return this.isZero() ? this.zero : this.isAt(this.place(this.table));
  }

  /** Puts a ULID in; false when it was there. */
  add(ulid: string): boolean {
    this.read(ulid);
    return this.addRead();
  }

  /** Puts in all that another set has. */
  addAll(other: UlidSet): void {
    if (other.zero) this.zero = true;
    for (let at = 0; at < other.table.length; at += WORDS) {
      for (let i = 0; i < WORDS; i++) this.id[i] = other.table[at + i] as number;
      if (!this.isZero()) this.addRead();
    }
  }

  private addRead(): boolean {
    if (this.isZero()) {
      const fresh = !this.zero;
      this.zero = true;
      return fresh;
    }
    const at = this.place(this.table);
    if (this.isAt(at)) return false;
    this.table.set(this.id, at);
    this.taken++;
    if (this.taken > (this.table.length / WORDS) * FULLEST) this.grow();
    return true;
  }

  private grow(): void {
    const from = this.table;
    const to = new Uint32Array(Math.ceil((from.length / WORDS) * GROWTH) * WORDS);
    for (let at = 0; at < from.length; at += WORDS) {
      for (let i = 0; i < WORDS; i++) this.id[i] = from[at + i] as number;
      if (!this.isZero()) to.set(this.id, this.place(to));
    }
    this.table = to;
  }

  /** Where the id that was read stands in a table, or belongs. */
  private place(table: Uint32Array): number {
    let hash = this.seed;
    for (const word of this.id) hash = mixed(hash ^ word);
    let at = ((hash >>> 0) % (table.length / WORDS)) * WORDS;
    while (!isFree(table, at) && !this.equals(table, at)) at = at + WORDS === table.length ? 0 : at + WORDS;
    return at;
  }

  private isAt(at: number): boolean {
    return this.equals(this.table, at);
  }

  private equals(table: Uint32Array, at: number): boolean {
    const { id } = this;
    return table[at] === id[0] && table[at + 1] === id[1] && table[at + 2] === id[2] && table[at + 3] === id[3];
  }

  private isZero(): boolean {
    return isFree(this.id, 0);
  }

  /** Base 32, five bits a character, the last one lowest. */
  private read(ulid: string): void {
    const { id } = this;
    id.fill(0);
    for (let i = 0; i < ulid.length; i++) {
      const digit = DIGITS.indexOf(ulid[i] as string);
      for (let word = 0; word < WORDS; word++)
        id[word] = ((id[word] as number) << 5) | (word + 1 < WORDS ? (id[word + 1] as number) >>> 27 : digit);
    }
  }
}

function isFree(table: Uint32Array, at: number): boolean {
  return table[at] === 0 && table[at + 1] === 0 && table[at + 2] === 0 && table[at + 3] === 0;
}

/** The finalizer of MurmurHash3: each bit of the word changes half of the result's. */
function mixed(word: number): number {
  let mixing = word;
  mixing = Math.imul(mixing ^ (mixing >>> 16), 0x85ebca6b);
  mixing = Math.imul(mixing ^ (mixing >>> 13), 0xc2b2ae35);
  return mixing ^ (mixing >>> 16);
}
