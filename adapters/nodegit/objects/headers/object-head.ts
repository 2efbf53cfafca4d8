import { constants, inflateSync } from 'node:zlib';
import type { ObjectType } from '../../../../ports/vocabulary.js';

/** What is known of an object before its body is read; `size` in bytes. */
export interface ObjectHead {
  readonly type: ObjectType;
  readonly size: number;
}

/** The first bytes of a zlib stream of which only the beginning is there. Throws zlib's error for what is none. */
export function inflateStart(stream: Uint8Array): Buffer {
  return inflateSync(stream, { finishFlush: constants.Z_SYNC_FLUSH });
}

/** A number of 7 bits a byte, the least significant first: its value, and where it ends. */
export function sizeAt(bytes: Uint8Array, from: number): { readonly value: number; readonly end: number } {
  let [value, unit, at] = [0, 1, from];
  for (; ; unit *= 128) {
    const byte = bytes[at++];
    if (byte === undefined) throw new RangeError('a size has no end');
    value += (byte & 0x7f) * unit;
    if ((byte & 0x80) === 0) return { value, end: at };
  }
}
