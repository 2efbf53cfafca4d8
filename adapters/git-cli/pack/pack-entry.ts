import type { ObjectType } from '../../../ports/vocabulary.js';

/** The bytes of a pack (gitformat-pack, version 2), as far as both a pack on the disk and one on its way need them. */

const TYPE_CODE: Readonly<Record<ObjectType, number>> = { commit: 1, tree: 2, blob: 3, tag: 4 };

/** Bytes in front of the first entry. */
export const PACK_HEADER = 12;

/** An entry's header has no more than this, bytes. */
export const MAX_ENTRY_HEADER = 10;

/** Writes what a pack of `count` objects begins with. */
export function writePackHeader(out: Buffer, count: number): void {
  out.write('PACK', 0, 'latin1');
  out.writeUInt32BE(2, 4);
  out.writeUInt32BE(count, 8);
}

/** The offset of a delta's base takes no more than this, bytes. */
export const MAX_BASE_OFFSET = 10;

const OFS_DELTA = 6;

/** Writes the type and size in front of an entry: 4 size bits, then 7 a byte, least significant first. Gives where it ends. */
export function writeEntryHeader(out: Buffer, at: number, type: ObjectType, size: number): number {
  return writeTypeAndSize(out, at, TYPE_CODE[type], size);
}

/** Writes what is in front of a delta of `size` bytes, whose base begins `back` bytes before it. Gives where it ends. */
export function writeDeltaHeader(out: Buffer, at: number, size: number, back: number): number {
  const offsetAt = writeTypeAndSize(out, at, OFS_DELTA, size);
  // Seven bits a byte, most significant first; each further byte stands for one more than it says.
  const bytes = [back % 128];
  for (let left = Math.floor(back / 128); left > 0; left = Math.floor(left / 128)) bytes.unshift(0x80 | (--left % 128));
  out.set(bytes, offsetAt);
  return offsetAt + bytes.length;
}

function writeTypeAndSize(out: Buffer, at: number, code: number, size: number): number {
  let byte = (code << 4) | (size & 15);
  let left = Math.floor(size / 16);
  while (left > 0) {
    out[at++] = byte | 0x80;
    byte = left & 0x7f;
    left = Math.floor(left / 128);
  }
  out[at++] = byte;
  return at;
}
