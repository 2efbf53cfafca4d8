import { expect } from 'chai';
import type { HashAlgorithm, Hasher } from '../../ports/index.js';

// The published digests of "abc" (FIPS 180-4; the BLAKE3 reference implementation).
const ABC: Readonly<Record<HashAlgorithm, string>> = {
  sha1: 'a9993e364706816aba3e25717850c26c9cd0d89d',
  sha256: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  blake3: '6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85',
};
const ALGORITHMS = Object.keys(ABC) as HashAlgorithm[];

/** What every hasher does. */
export function hasherContract(name: string, factory: () => Promise<Hasher>): void {
  describe(`hasher contract: ${name}`, () => {
    let hasher: Hasher;
    before(async () => {
      hasher = await factory();
    });

    for (const algorithm of ALGORITHMS) {
      it(`knows ${algorithm}, whole, in parts and in a stream`, () => {
        const [a, b, c] = [Buffer.from('a'), new Uint8Array([98]), Buffer.from('xcx').subarray(1, 2)];
        expect(hasher.hex(algorithm, Buffer.from('abc'))).to.equal(ABC[algorithm]);
        expect(hasher.hex(algorithm, a, b, c)).to.equal(ABC[algorithm]);
        expect(hasher.hex(algorithm)).to.equal(hasher.hex(algorithm, new Uint8Array(0)));
        expect(hasher.stream(algorithm).update(a).update(b).update(c).hex()).to.equal(ABC[algorithm]);
      });
    }

    it('hashes a view of a larger buffer, and megabytes', () => {
      const large = Buffer.alloc(3_000_000, 1);
      for (const algorithm of ALGORITHMS) {
        const stream = hasher.stream(algorithm);
        for (let at = 0; at < large.length; at += 70_001) stream.update(large.subarray(at, at + 70_001));
        expect(stream.hex()).to.equal(hasher.hex(algorithm, large));
      }
    });

    it('keeps streams apart that are fed in turn', () => {
      const [one, two] = [hasher.stream('sha256'), hasher.stream('sha256')];
      for (const letter of 'abc') {
        one.update(Buffer.from(letter));
        two.update(Buffer.from('x'));
      }
      expect(one.hex()).to.equal(ABC.sha256);
      expect(two.hex()).to.equal(hasher.hex('sha256', Buffer.from('xxx')));
    });
  });
}
