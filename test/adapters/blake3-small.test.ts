import { createRequire } from 'node:module';
import { expect } from 'chai';
import { smallBlake3 } from '../../adapters/hasher-node/blake3-small.js';

const { hash } = createRequire(import.meta.url)('blake3') as typeof import('blake3');

describe('BLAKE3 of little input', () => {
  it('is what the native code says, for every shape of block, chunk and tree', () => {
    const input = Buffer.from(Array.from({ length: 70_000 }, (_, i) => i % 251)); // the paper's own test input
    for (const length of [
      0, 1, 63, 64, 65, 127, 128, 129, 1023, 1024, 1025, 2047, 2048, 2049, 3072, 3073, 5000, 16384, 31744, 65536, 70_000,
    ]) {
      const bytes = input.subarray(0, length);
      expect(smallBlake3(bytes), `${length} bytes`).to.equal(Buffer.from(hash(bytes)).toString('hex'));
    }
  });
});
