import { expect } from 'chai';
import { readAhead } from '../../../../domain/git/read-ahead.js';

describe('reading ahead', () => {
  for (const depth of [1, 3]) {
    it(`has ${depth} more under way while the caller has one, and keeps the order`, async () => {
      let [begun, given] = [0, 0];
      const items = Array.from({ length: 10 }, (_, i) => i);
      const read = async (i: number): Promise<number> => {
        begun++;
        if (i % 2 === 0) await Promise.resolve();
        return i;
      };
      for await (const i of readAhead(items, read, depth)) {
        expect(i).to.equal(given++);
        expect(begun).to.equal(Math.min(items.length, given + depth));
      }
      expect(given).to.equal(items.length);
    });
  }

  it('throws what a read threw when its turn comes', async () => {
    const got: number[] = [];
    const read = async (i: number): Promise<number> => {
      if (i === 2) throw new Error('broken');
      return i;
    };
    const all = (async () => {
      for await (const i of readAhead([0, 1, 2, 3, 4], read, 3)) got.push(i);
    })();
    expect(await all.catch((error: Error) => error.message)).to.equal('broken');
    expect(got).to.deep.equal([0, 1]);
  });
});
