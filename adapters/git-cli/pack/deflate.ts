import { constants, deflateSync } from 'node:zlib';

// zlib costs 15-40 microseconds a call, more than copying a small body; and 39 MB/s where nothing can be saved.
const SMALL = 256;
const SAMPLED = 16 * 1024;
const SAMPLE = 4 * 1024;
const BLOCK = 65535;
const FAST = { level: constants.Z_BEST_SPEED };
// A small window takes less memory to set up, and is all that a body of its size can use.
const WINDOW_BITS = 12;
const FAST_SMALL = { ...FAST, windowBits: WINDOW_BITS };
// A commit's bytes fit into fewer buckets, which cost a third less to clear; of a larger body they would cost matches, and time.
const TINY = 1024;
const FAST_TINY = { ...FAST_SMALL, memLevel: 5 };
const STORE = { level: constants.Z_NO_COMPRESSION };

/** Bytes that `writeStored` takes for a body. */
export function storedSize(length: number): number {
  return 6 + length + 5 * Math.max(1, Math.ceil(length / BLOCK));
}

/** A zlib stream of the body, or null when the caller had better store it as it is (`writeStored`). */
export function compress(body: Uint8Array): Uint8Array | null {
  if (body.length < SMALL) return null;
  if (body.length > SAMPLED) {
    const from = (body.length - SAMPLE) >> 1;
    const sample = deflateSync(body.subarray(from, from + SAMPLE), FAST);
    // The checksum of a long body is faster in zlib than here.
    if (sample.length > SAMPLE * 0.95) return body.length > BLOCK ? deflateSync(body, STORE) : null;
  }
  const deflated = deflateSync(body, body.length <= TINY ? FAST_TINY : body.length <= 2 << WINDOW_BITS ? FAST_SMALL : FAST);
  return deflated.length < storedSize(body.length) ? deflated : null;
}

/** Writes the body as a zlib stream of stored blocks (RFC 1950, 1951) at `at`; gives where it ends. */
export function writeStored(body: Uint8Array, out: Buffer, at: number): number {
  out[at++] = 0x78;
  out[at++] = 0x01;
  let from = 0;
  do {
    const length = Math.min(BLOCK, body.length - from);
    out[at++] = from + length === body.length ? 1 : 0;
    at = out.writeUInt16LE(length, at);
    at = out.writeUInt16LE(length ^ 0xffff, at);
    out.set(length === body.length ? body : body.subarray(from, from + length), at);
    at += length;
    from += length;
  } while (from < body.length);
  return out.writeUInt32BE(adler32(body), at);
}

/** A zlib stream of the body, however it is best made. */
export function zlibStream(body: Uint8Array): Uint8Array {
  const deflated = compress(body);
  if (deflated !== null) return deflated;
  const out = Buffer.allocUnsafe(storedSize(body.length));
  writeStored(body, out, 0);
  return out;
}

function adler32(bytes: Uint8Array): number {
  let a = 1;
  let b = 0;
  for (let i = 0; i < bytes.length; ) {
    // The sums stay below 2^31 for this many bytes.
    const stop = Math.min(i + 3800, bytes.length);
    for (; i < stop; i++) {
      a += bytes[i] as number;
      b += a;
    }
    a %= 65521;
    b %= 65521;
  }
  return b * 65536 + a;
}
