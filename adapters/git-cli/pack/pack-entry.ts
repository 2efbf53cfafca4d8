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

/** Writes the type and size in front of an entry: 4 size bits, then 7 a byte, least significant first. Gives where it ends. */
export function writeEntryHeader(out: Buffer, at: number, type: ObjectType, size: number): number {
  let byte = (TYPE_CODE[type] << 4) | (size & 15);
  let left = Math.floor(size / 16);
  while (left > 0) {
    out[at++] = byte | 0x80;
    byte = left & 0x7f;
    left = Math.floor(left / 128);
  }
  out[at++] = byte;
  return at;
}
