import { expect } from 'chai';
import { inflateSync } from 'node:zlib';
import { storedSize, writeBaseDistance, writeEntryHeader, writeStored } from '../../../../domain/git/pack/entry.js';
import { baseDistance, entryHeader } from '../../../support/formats/packs.js';

describe('the parts of a pack’s entries', () => {
  /** As gitformat-pack has it: each further byte counts from one more. */
  function distanceIn(bytes: Uint8Array): number {
    let distance = (bytes[0] as number) & 127;
    for (const byte of bytes.subarray(1)) distance = (distance + 1) * 128 + (byte & 127);
    return distance;
  }
  const sizeIn = ([first = 0, ...more]: Uint8Array): number =>
    more.reduce((sum, byte, i) => sum + (byte & 127) * 16 * 128 ** i, first & 15);
  const goesOn = (bytes: Uint8Array): boolean[] => [...bytes].map((byte) => byte >= 128);
  const NUMBERS = [1, 15, 16, 127, 128, 129, 2047, 2048, 16_511, 16_512, 16_513, 2_113_663, 2_113_664, 2 ** 31, 2 ** 32 + 5];

  it('say how far before a base begins, and of what type and size one is', () => {
    for (const number of NUMBERS) {
      for (const [bytes, read] of [
        [baseDistance(number), distanceIn(baseDistance(number))],
        [entryHeader(3, number), sizeIn(entryHeader(3, number))],
      ] as const) {
        expect(read, `${number}`).to.equal(number);
        expect(goesOn(bytes)).to.deep.equal([...bytes].map((_, i) => i < bytes.length - 1));
      }
      expect(((entryHeader(3, number)[0] as number) >> 4) & 7).to.equal(3);
    }
    const out = new Uint8Array(8);
    expect(writeEntryHeader(1, 5, out, writeBaseDistance(128, out, 2))).to.equal(5);
    expect([...out]).to.deep.equal([0, 0, 0x80, 0, 0x15, 0, 0, 0]);
  });

  it('are streams that zlib reads, without compression', () => {
    for (const length of [0, 1, 255, 3801, 65_535, 65_536, 200_000]) {
      const body = Uint8Array.from({ length }, (_, i) => (i * 31) & 255);
      const out = new Uint8Array(storedSize(length) + 2);
      expect(writeStored(body, out, 1), `${length}`).to.equal(out.length - 1);
      expect(inflateSync(out.subarray(1, -1)).equals(body), `${length}`).to.equal(true);
      expect([out[0], out.at(-1)]).to.deep.equal([0, 0]);
    }
  });
});
