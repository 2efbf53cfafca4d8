import { KvError } from '../../../ports/error.js';
import { allocate, shrink } from '../bytes.js';

/** Deltas as packs have them (gitformat-pack, "Deltified representation"). */

/** The most that one copy takes, bytes. */
const LONGEST_COPY = 0xff_ff_ff;
/** The most that one insert has, bytes. */
const LONGEST_INSERT = 127;
/** Bytes of a copy's instruction, at the most: of 4 bytes of an offset and 3 of a length. */
const LONGEST_CODE = 8;
/** Bytes of a size, at the most. */
const LONGEST_SIZE = 8;
/** What offsets of a copy can say. */
const LONGEST_BASE = 0xff_ff_ff_ff;

/** How long the base of a delta is, the object that it makes, and where its instructions begin. Throws `INPUT_INVALID`. */
export function deltaSizes(delta: Uint8Array): { readonly base: number; readonly result: number; readonly at: number } {
  const [base, next] = sizeAt(delta, 0);
  const [result, at] = sizeAt(delta, next);
  return { base, result, at };
}

/** The object that a delta makes of its base. Throws `INPUT_INVALID` for a delta that reads or writes where there is nothing. */
export function applyDelta(base: Uint8Array, delta: Uint8Array): Uint8Array {
  const sizes = deltaSizes(delta);
  if (sizes.base !== base.length) throw damaged('is not for its base');
  const out = new Uint8Array(sizes.result);
  let to = 0;
  for (let at = sizes.at; at < delta.length; ) {
    const code = delta[at++] as number;
    if (code === 0) throw damaged('has an instruction that there is not');
    let [from, length] = [0, code];
    let source = delta;
    if (code < 0x80) from = at;
    else {
      length = 0;
      for (let i = 0; i < 4; i++) if ((code & (1 << i)) !== 0) from += byteAt(delta, at++) * 2 ** (8 * i);
      for (let i = 0; i < 3; i++) if ((code & (0x10 << i)) !== 0) length += byteAt(delta, at++) * 2 ** (8 * i);
      if (length === 0) length = 0x10_000;
      source = base;
    }
    if (from + length > source.length || to + length > out.length) throw damaged('goes beyond an end');
    out.set(source.subarray(from, from + length), to);
    if (code < 0x80) at += length;
    to += length;
  }
  if (to !== out.length) throw damaged('makes less than it says');
  return out;
}

/**
 * A delta of the one edit between where two objects begin and end alike: what a changed entry is to a tree. Null where it would not be
 * shorter than half of the object.
 */
export function editDelta(base: Uint8Array, target: Uint8Array): Uint8Array | null {
  if (base.length > LONGEST_BASE) return null;
  const most = Math.min(base.length, target.length);
  let start = 0;
  while (start < most && base[start] === target[start]) start++;
  let end = 0;
  while (end < most - start && base[base.length - 1 - end] === target[target.length - 1 - end]) end++;
  const inserted = target.length - start - end;
  if (2 * inserted + 40 > target.length) return null;
  const copies = Math.ceil(start / LONGEST_COPY) + Math.ceil(end / LONGEST_COPY);
  const out = allocate(2 * LONGEST_SIZE + LONGEST_CODE * copies + inserted + Math.ceil(inserted / LONGEST_INSERT));
  let at = writeSize(target.length, out, writeSize(base.length, out, 0));
  at = writeCopies(0, start, out, at);
  for (let from = start; from < target.length - end; from += LONGEST_INSERT) {
    const length = Math.min(LONGEST_INSERT, target.length - end - from);
    out[at++] = length;
    for (let i = from; i < from + length; i++) out[at++] = target[i] as number;
  }
  return shrink(out, writeCopies(base.length - end, end, out, at));
}

function writeCopies(start: number, length: number, out: Uint8Array, at: number): number {
  let [from, left] = [start, length];
  while (left > 0) {
    const step = Math.min(left, LONGEST_COPY);
    const codeAt = at++;
    let code = 0x80;
    for (let i = 0; i < 4; i++) {
      const byte = Math.floor(from / 2 ** (8 * i)) & 255;
      if (byte === 0) continue;
      code |= 1 << i;
      out[at++] = byte;
    }
    // Without a byte of it, a length is 0x10000.
    for (let i = 0; step !== 0x10_000 && i < 3; i++) {
      const byte = (step >> (8 * i)) & 255;
      if (byte === 0) continue;
      code |= 0x10 << i;
      out[at++] = byte;
    }
    out[codeAt] = code;
    from += step;
    left -= step;
  }
  return at;
}

function writeSize(size: number, out: Uint8Array, at: number): number {
  let left = size;
  while (left >= 128) {
    out[at++] = 0x80 | (left % 128);
    left = Math.floor(left / 128);
  }
  out[at++] = left;
  return at;
}

function sizeAt(delta: Uint8Array, from: number): [size: number, at: number] {
  let [size, at, scale] = [0, from, 1];
  for (;;) {
    const byte = byteAt(delta, at++);
    size += (byte & 0x7f) * scale;
    if (byte < 0x80) return [size, at];
    scale *= 128;
    if (at - from > 7) throw damaged('has a size that is none');
  }
}

function byteAt(bytes: Uint8Array, at: number): number {
  const byte = bytes[at];
  if (byte === undefined) throw damaged('is cut short');
  return byte;
}

const damaged = (what: string): KvError => new KvError('INPUT_INVALID', `a delta in the pack ${what}`);
