import { type Chunker, KvError } from '../../ports/index.js';

/** Cuts every `size` bytes; the last chunk holds the rest. A chunk is a copy, unless one input piece holds it whole. */
export function fixedChunker(size = 256 * 1024): Chunker {
  if (!Number.isSafeInteger(size) || size < 1) {
    throw new KvError('CONFIG_INVALID', `chunk size ${size} is not a positive whole number of bytes`);
  }
  return { spec: { mode: 'fixed', size }, chunks: (input) => cut(input, size) };
}

async function* cut(input: Iterable<Uint8Array> | AsyncIterable<Uint8Array>, size: number): AsyncIterable<Uint8Array> {
  let held: Uint8Array | null = null;
  let filled = 0;
  for await (const piece of input) {
    let at = 0;
    while (at < piece.length) {
      if (held === null && piece.length - at >= size) {
        yield piece.subarray(at, at + size);
        at += size;
        continue;
      }
      held ??= new Uint8Array(size);
      const take = Math.min(size - filled, piece.length - at);
      held.set(piece.subarray(at, at + take), filled);
      filled += take;
      at += take;
      if (filled === size) {
        yield held;
        held = null;
        filled = 0;
      }
    }
  }
  if (held !== null) yield held.subarray(0, filled);
}
