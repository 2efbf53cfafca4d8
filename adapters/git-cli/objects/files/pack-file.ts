import { closeSync, openSync, readSync } from 'node:fs';
import type { ObjectFormat, ObjectType } from '../../../../ports/vocabulary.js';
import { OID_HEX_LENGTH } from '../../../../ports/vocabulary.js';
import type { Body } from './body.js';
import { applyDelta, Reader } from './delta.js';
import { inflated, longestStream } from './inflate.js';
import type { KeptBodies } from './kept-bodies.js';
import { PackIndexFile } from './pack-index-file.js';

const TYPES: Readonly<Record<number, ObjectType>> = { 1: 'commit', 2: 'tree', 3: 'blob', 4: 'tag' };
const OFFSET_DELTA = 6;
const ID_DELTA = 7;
/** Bytes in front of a pack's first entry. */
const PACK_HEADER = 12;
/** Most entries are whole in this. Bytes. */
const FIRST_READ = 4096;

/** How far it goes for one object. */
export interface PackBounds {
  /** A larger object is left to git. Bytes. */
  readonly body: number;
  /** A longer chain of deltas is left to git, unless what is kept shortens it. */
  readonly chain: number;
}

/** A pack on the disk and its index, both held open: what a repack takes away can still be read. */
export class PackFile {
  private readonly index: PackIndexFile;
  private readonly pack: number;
  private readonly width: number;
  private readonly first = Buffer.allocUnsafeSlow(FIRST_READ);

  /** `path` without `.pack` and `.idx`. Throws where one can't be read, or the index is none. */
  constructor(
    readonly path: string,
    format: ObjectFormat,
    private readonly bounds: PackBounds,
    private readonly kept: KeptBodies,
  ) {
    this.width = OID_HEX_LENGTH[format] / 2;
    this.index = new PackIndexFile(`${path}.idx`, format);
    try {
      this.pack = openSync(`${path}.pack`, 'r');
    } catch (error) {
      this.index.close();
      throw error;
    }
  }

  /** `elsewhere` where this pack has no such object; null where reading it is git's. Throws for what is damaged. */
  body(id: Buffer): Body | null | 'elsewhere' {
    const offset = this.index.offsetOf(id);
    return offset === null ? 'elsewhere' : this.at(offset, this.bounds.chain);
  }

  close(): void {
    this.index.close();
    closeSync(this.pack);
  }

  /** What others are deltas of is asked for by many of them. */
  private base(offset: number, chain: number): Body | null {
    const name = `${this.path}:${offset}`;
    const known = this.kept.get(name);
    if (known !== undefined) return known;
    const body = this.at(offset, chain);
    if (body !== null) this.kept.set(name, body);
    return body;
  }

  private at(offset: number, chain: number): Body | null {
    const bytes = this.first.subarray(0, readSync(this.pack, this.first, 0, FIRST_READ, offset));
    const reader = new Reader(bytes);
    const start = reader.byte();
    const size = start < 0x80 ? start & 15 : reader.size(start & 15, 16);
    if (size > this.bounds.body) return null;
    const kind = (start >> 4) & 7;
    const type = TYPES[kind];
    if (type !== undefined) return { type, bytes: this.stream(offset, bytes, reader.at, size) };
    if ((kind !== OFFSET_DELTA && kind !== ID_DELTA) || chain === 0) return null;
    const from = kind === OFFSET_DELTA ? offset - reader.distance() : this.offsetOfBase(bytes, reader);
    if (from === null || from < PACK_HEADER) return null;
    const delta = this.stream(offset, bytes, reader.at, size); // before the base is read, which takes the buffer
    const base = this.base(from, chain - 1);
    const made = base === null ? null : applyDelta(base.bytes, delta, this.bounds.body);
    return base === null || made === null ? null : { type: base.type, bytes: made };
  }

  private offsetOfBase(bytes: Buffer, reader: Reader): number | null {
    const id = Buffer.from(bytes.subarray(reader.at, reader.at + this.width));
    reader.at += this.width;
    return id.length === this.width ? this.index.offsetOf(id) : null;
  }

  /** What stands compressed in an entry; `read` is what is at hand of the entry. */
  private stream(offset: number, read: Buffer, at: number, size: number): Buffer {
    const longest = longestStream(size);
    if (read.length < FIRST_READ || read.length - at >= longest) return inflated(read.subarray(at), size);
    const more = Buffer.allocUnsafe(longest);
    return inflated(more.subarray(0, readSync(this.pack, more, 0, longest, offset + at)), size);
  }
}
