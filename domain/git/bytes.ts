/** Bytes and text, without any platform's own types. */

const encoder = new TextEncoder();
const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const looseDecoder = new TextDecoder('utf-8', { ignoreBOM: true });

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

// A buffer of its own costs more than a short text's bytes, for the allocation and again for the collector.
const SLAB = 32 * 1024;
const SHORT = 1024;
let slab = new Uint8Array(0);
let used = 0;

/** Room for `length` bytes, to be filled. Small pieces share a buffer: never hand `.buffer` on without its offset. */
export function allocate(length: number): Uint8Array {
  if (length > SHORT) return new Uint8Array(length);
  if (length > slab.length - used) {
    slab = new Uint8Array(SLAB);
    used = 0;
  }
  const out = slab.subarray(used, used + length);
  used += length;
  return out;
}

/** Gives the end of the latest piece back; `kept` bytes of it stay. */
export function shrink(piece: Uint8Array, kept: number): Uint8Array {
  const last = piece.buffer === slab.buffer && piece.byteOffset + piece.length === used;
  if (last) used -= piece.length - kept;
  return piece.subarray(0, kept);
}

/** A text in UTF-8; an unpaired surrogate becomes U+FFFD. */
export function utf8(text: string): Uint8Array {
  if (text.length > SHORT / 3) return encoder.encode(text);
  const room = allocate(text.length * 3); // no UTF-16 unit needs more
  return shrink(room, encoder.encodeInto(text, room).written);
}

/** Decodes UTF-8; undefined when the bytes are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return strictDecoder.decode(bytes);
  } catch {
    return undefined; // the decoder's only failure is malformed input, which is the answer
  }
}

/** Decodes UTF-8, with U+FFFD for what is not. */
export function decodeLoose(bytes: Uint8Array): string {
  return looseDecoder.decode(bytes);
}

/** True when a string has no lone surrogate, so that it can be written as UTF-8 without loss. */
export function isWellFormed(text: string): boolean {
  return !/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(text);
}

/** The parts one after the other, in new memory. */
export function concat(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const out = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Whether two byte strings are the same. Not in constant time. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Lower-case hex of `bytes[start, end)`. */
export function toHex(bytes: Uint8Array, start = 0, end = bytes.length): string {
  const room = DIGITS.get(end - start);
  if (room === undefined) {
    let out = '';
    for (let i = start; i < end; i++) out += HEX[bytes[i] as number];
    return out;
  }
  for (let i = start, at = 0; i < end; i++) {
    const byte = bytes[i] as number;
    room[at++] = digit(byte >> 4);
    room[at++] = digit(byte & 15);
  }
  return looseDecoder.decode(room);
}

// The lengths of object ids: decoded at once, an id is one string, and not a chain of twenty that the next reader must join.
const DIGITS = new Map([20, 32].map((length) => [length, new Uint8Array(2 * length)]));

const digit = (nibble: number): number => nibble + (nibble < 10 ? 48 : 87);

/** Arguments of one call. */
const STEP = 4096;

/** The text that ASCII bytes spell; a byte that is not ASCII becomes the character of that number. */
export function fromAscii(bytes: Uint8Array, start: number, end: number): string {
  let plain = end - start > 8; // below, a call of the decoder costs more
  for (let i = start; plain && i < end; i++) plain = (bytes[i] as number) < 0x80;
  if (plain) return looseDecoder.decode(bytes.subarray(start, end));
  let out = '';
  // In steps: a string that is put together of single characters takes 32 bytes for each.
  if (end - start > 8)
    for (let at = start; at < end; at += STEP) out += String.fromCharCode(...bytes.subarray(at, Math.min(at + STEP, end)));
  else for (let i = start; i < end; i++) out += String.fromCharCode(bytes[i] as number);
  return out;
}

/** Writes the bytes that `hex` spells, or its first `digits`, into `target` at `at`; gives the offset behind them. */
export function writeHex(hex: string, target: Uint8Array, at: number, digits = hex.length): number {
  for (let i = 0; i < digits; i += 2) {
    target[at++] = (nibble(hex.charCodeAt(i)) << 4) | nibble(hex.charCodeAt(i + 1));
  }
  return at;
}

/** Whether the bytes at `at` are those that `hex` spells, in lower case. */
export function spellsHex(bytes: Uint8Array, at: number, hex: string): boolean {
  for (let i = 0; i < hex.length; i += 2)
    if (bytes[at++] !== ((nibble(hex.charCodeAt(i)) << 4) | nibble(hex.charCodeAt(i + 1)))) return false;
  return true;
}

function nibble(code: number): number {
  return code <= 57 ? code - 48 : code - 87;
}

/** Writes ASCII text into `target` at `at`; gives the offset behind it. */
export function writeAscii(text: string, target: Uint8Array, at: number): number {
  for (let i = 0; i < text.length; i++) target[at++] = text.charCodeAt(i);
  return at;
}
