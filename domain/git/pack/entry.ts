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

/** Bytes that type and size of an entry, or a distance, take at the most. */
export const LONGEST_NUMBER = 9;

/** Writes type and size of an entry: 4 bits of it, then 7 a byte, least significant first. Gives the offset behind them. */
export function writeEntryHeader(code: number, size: number, out: Uint8Array, at: number): number {
  let byte = (code << 4) | (size & 15);
  for (let left = Math.floor(size / 16); left > 0; left = Math.floor(left / 128)) {
    out[at++] = byte | 0x80;
    byte = left & 0x7f;
  }
  out[at++] = byte;
  return at;
}

/**
 * Writes how far before its delta a base begins: 7 bits a byte, most significant first, each further byte counted from one more. Gives the
 * offset behind it.
 */
export function writeBaseDistance(distance: number, out: Uint8Array, at: number): number {
  let end = at + 1;
  for (let left = Math.floor(distance / 128); left > 0; left = Math.floor((left - 1) / 128)) end++;
  let left = distance;
  for (let to = end - 1; to >= at; to--) {
    out[to] = (to === end - 1 ? 0 : 0x80) | (left % 128);
    left = Math.floor(left / 128) - 1;
  }
  return end;
}

/** Bytes of a zlib stream of stored blocks, for so many bytes. */
export const storedSize = (length: number): number => length + 5 * Math.max(1, Math.ceil(length / BLOCK)) + 6;

/** Writes a zlib stream of stored blocks (RFC 1950, 1951), which takes no library. Gives the offset behind it. */
export function writeStored(body: Uint8Array, out: Uint8Array, at: number): number {
  out[at++] = 0x78;
  out[at++] = 0x01;
  let from = 0;
  do {
    const length = Math.min(BLOCK, body.length - from);
    const complement = length ^ 0xffff;
    out[at++] = from + length === body.length ? 1 : 0;
    for (const number of [length, complement]) {
      out[at++] = number & 255;
      out[at++] = number >> 8;
    }
    out.set(length === body.length ? body : body.subarray(from, from + length), at);
    at += length;
    from += length;
  } while (from < body.length);
  const checksum = adler32(body);
  for (let shift = 24; shift >= 0; shift -= 8) out[at++] = (checksum >>> shift) & 255;
  return at;
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
  return ((b << 16) | a) >>> 0;
}
