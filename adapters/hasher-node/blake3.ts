import { createRequire } from 'node:module';
import type { HashStream } from '../../ports/index.js';
import { smallBlake3 } from './blake3-small.js';

type Blake3 = typeof import('blake3');

let loaded: Blake3 | undefined;

// Loading costs about 12 ms, which a small value never needs to pay; and the port is synchronous, so `import()` would be too late.
function blake3(): Blake3 {
  loaded ??= createRequire(import.meta.url)('blake3') as Blake3;
  return loaded;
}

/** So much is hashed by plain code as costs less than loading, bytes. */
const LITTLE = 64 * 1024;
let little = 0;

/** BLAKE3 of bytes, 32 bytes in hex. */
export function blake3Hex(bytes: Uint8Array): string {
  little += bytes.length;
  if (loaded === undefined && little <= LITTLE) return smallBlake3(bytes);
  return Buffer.from(blake3().hash(asBuffer(bytes))).toString('hex');
}

/** BLAKE3 of bytes that come in pieces. */
export function blake3Stream(): HashStream {
  const digest = blake3().createHash();
  return {
    update(bytes) {
      digest.update(asBuffer(bytes));
      return this;
    },
    hex: () => digest.digest('hex'),
  };
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
