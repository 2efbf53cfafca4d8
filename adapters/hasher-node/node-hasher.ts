import * as crypto from 'node:crypto';
import type { HashAlgorithm, Hasher, HashStream } from '../../ports/index.js';
import { blake3Hex, blake3Stream } from './blake3.js';

const oneShot: ((algorithm: string, data: Uint8Array, encoding: 'hex') => string) | undefined = crypto.hash;

/** SHA-1 and SHA-256 by node:crypto, BLAKE3 by the blake3 package. */
export function nodeHasher(): Hasher {
  return {
    hex(algorithm, ...parts) {
      const only = parts[0];
      if (algorithm === 'blake3') return blake3Hex(parts.length === 1 && only !== undefined ? only : Buffer.concat(parts));
      // The one-shot call saves a native object; Node 20.12 and later have it.
      if (oneShot !== undefined && parts.length === 1 && only !== undefined) return oneShot(algorithm, only, 'hex');
      const hash = crypto.createHash(algorithm);
      for (const part of parts) hash.update(part);
      return hash.digest('hex');
    },
    stream: (algorithm) => (algorithm === 'blake3' ? blake3Stream() : cryptoStream(algorithm)),
  };
}

function cryptoStream(algorithm: HashAlgorithm): HashStream {
  const hash = crypto.createHash(algorithm);
  return {
    update(bytes) {
      hash.update(bytes);
      return this;
    },
    hex: () => hash.digest('hex'),
  };
}
