import type { ObjectType } from '../../../ports/vocabulary.js';
import { writeAscii } from '../bytes.js';

/** The parts of a pack (gitformat-pack, version 2) that readers and writers share. */

/** How a pack names types. */
export const TYPE_CODE: Readonly<Record<ObjectType, number>> = { commit: 1, tree: 2, blob: 3, tag: 4 };
/** A delta whose base stands before it in the pack, at a distance. */
export const OFS_DELTA = 6;
/** A delta whose base is named. */
export const REF_DELTA = 7;
/** Bytes of a pack's header. */
export const PACK_HEADER = 12;

/** The most bytes of a stored block (RFC 1951). */
const BLOCK = 65_535;
const ADLER = 65_521;
/** Adler's sums stay below 2^31 for so many bytes. */
const A_STEP = 3800;

/** What a pack of so many objects begins with. */
export function packHeader(count: number): Uint8Array {
  const header = new Uint8Array(PACK_HEADER);
  const view = new DataView(header.buffer);
  writeAscii('PACK', header, 0);
  view.setUint32(4, 2);
  view.setUint32(8, count);
  return header;
}

/** Type and size of an entry: 4 bits of it, then 7 a byte, least significant first. */
export function entryHeader(code: number, size: number): Uint8Array {
  const bytes: number[] = [];
  let byte = (code << 4) | (size & 15);
  for (let left = Math.floor(size / 16); left > 0; left = Math.floor(left / 128)) {
    bytes.push(byte | 0x80);
    byte = left & 0x7f;
  }
  return Uint8Array.from([...bytes, byte]);
}

/** How far before its delta a base begins: 7 bits a byte, most significant first, each further byte counted from one more. */
export function baseDistance(distance: number): Uint8Array {
  const bytes = [distance % 128];
  for (let left = Math.floor(distance / 128); left > 0; left = Math.floor(left / 128)) {
    left -= 1;
    bytes.unshift(0x80 | (left % 128));
  }
  return Uint8Array.from(bytes);
}

/** A zlib stream of stored blocks (RFC 1950, 1951), in pieces. */
export function storedStream(body: Uint8Array): Uint8Array[] {
  const pieces: Uint8Array[] = [Uint8Array.of(0x78, 0x01)];
  let from = 0;
  do {
    const length = Math.min(BLOCK, body.length - from);
    const isLast = from + length === body.length ? 1 : 0;
    const complement = length ^ 0xffff;
    pieces.push(Uint8Array.of(isLast, length & 255, length >> 8, complement & 255, complement >> 8));
    pieces.push(body.subarray(from, from + length));
    from += length;
  } while (from < body.length);
  const checksum = new Uint8Array(4);
  new DataView(checksum.buffer).setUint32(0, adler32(body));
  pieces.push(checksum);
  return pieces;
}

function adler32(bytes: Uint8Array): number {
  let [a, b] = [1, 0];
  for (let i = 0; i < bytes.length; ) {
    const stop = Math.min(i + A_STEP, bytes.length);
    for (; i < stop; i++) {
      a += bytes[i] as number;
      b += a;
    }
    a %= ADLER;
    b %= ADLER;
  }
  return b * 65_536 + a;
}
