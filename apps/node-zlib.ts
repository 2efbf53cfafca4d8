import { deflate, deflateSync, inflate, inflateSync } from 'node:zlib';
import { promisify } from 'node:util';
import type { Inflated, Zlib } from '../domain/git/pack/zlib.js';
import { KvError } from '../ports/error.js';

/** A larger body is worked on in another thread, bytes. */
const AT_ONCE = 128 * 1024;
/** Quick first: what packs hold is small or comes as deltas. */
const OPTIONS = { level: 3, memLevel: 8 };

const deflateAside = promisify<Uint8Array, typeof OPTIONS, Uint8Array>(deflate);

/** What Node's `info` adds to an answer. */
interface WithEngine {
  readonly buffer: Uint8Array;
  readonly engine: { readonly bytesWritten: number };
}

/** Compression by Node's own library. */
export const nodeZlib: Zlib = {
  deflate: (bytes) =>
    bytes.length <= AT_ONCE
      ? deflateSync(bytes, { ...OPTIONS, chunkSize: bytes.length + (bytes.length >> 9) + 64 }) // room for all of it, and little more
      : deflateAside(bytes, OPTIONS),
  inflate(bytes, at, size) {
    // One byte more than there may be: the library must not ask for a second piece of memory to find the end.
    const options = { info: true, maxOutputLength: size + 1, chunkSize: Math.max(64, size + 1) };
    const from = bytes.subarray(at);
    if (size > AT_ONCE) return inflateAside(from, options).then((found) => whole(found, at, size));
    try {
      return whole(inflateSync(from, options) as unknown as WithEngine, at, size); // with `info`, that is what it gives
    } catch (cause) {
      throw KvError.is(cause) ? cause : noStream(cause);
    }
  },
  turn: () => new Promise((resolve) => setImmediate(resolve)),
};

function inflateAside(bytes: Uint8Array, options: object): Promise<WithEngine> {
  return new Promise((resolve, reject) => {
    inflate(bytes, options, (error, found) => {
      if (error === null)
        resolve(found as unknown as WithEngine); // as above
      else reject(noStream(error));
    });
  });
}

function whole({ buffer, engine }: WithEngine, at: number, size: number): Inflated {
  if (buffer.length !== size) throw noStream(undefined);
  return { body: buffer, end: at + engine.bytesWritten };
}

function noStream(cause: unknown): KvError {
  return new KvError('INPUT_INVALID', 'the pack has an object that is damaged, or of another size than it says', { cause });
}
