import { inflateSync } from 'node:zlib';

/** Node's least. Bytes. */
const LEAST_CHUNK = 64;

/** The `size` bytes that the zlib stream at the beginning of `bytes` holds; what stands behind it is left alone. Throws where it holds others. */
export function inflated(bytes: Buffer, size: number): Buffer {
  // By default, zlib's output has 16 KiB at once, however little comes of it. One byte more shows where the stream ends.
  const body = inflateSync(bytes, { maxOutputLength: size + 1, chunkSize: Math.max(size + 1, LEAST_CHUNK) });
  if (body.length !== size) throw new RangeError('an object of another size');
  return body;
}

/** As long as the zlib stream of so many bytes can get that anybody writes: stored blocks, however short they are cut. */
export const longestStream = (size: number): number => size + (size >> 9) + 64;
