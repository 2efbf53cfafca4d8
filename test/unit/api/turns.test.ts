import { expect } from 'chai';
import { Turns } from '../../../apps/api/git/turns.js';
import { ApiError } from '../../../apps/api/problems/errors.js';

describe('turns', () => {
  it('are so many at a time, in their order, and too many are refused', async () => {
    const turns = new Turns(2, 1);
    const ends: (() => void)[] = [];
    const begun: number[] = [];
    const work = (name: number) =>
      turns.take(() => {
        begun.push(name);
        return new Promise<number>((resolve) => ends.push(() => resolve(name)));
      });
    const [first, second, third] = [work(1), work(2), work(3)];
    const refused = await work(4).catch((error: unknown) => error);
    expect(refused instanceof ApiError && refused.code).to.equal('BUSY');
    expect(begun).to.deep.equal([1, 2]);
    ends[1]?.();
    expect(await second).to.equal(2);
    await Promise.resolve();
    expect(begun).to.deep.equal([1, 2, 3]);
    const failing = turns.take(() => Promise.reject(new Error('no'))).catch(() => 'failed');
    ends[0]?.();
    ends[2]?.();
    expect(await Promise.all([first, third, failing])).to.deep.equal([1, 3, 'failed']);
    expect(await turns.take(async () => 'free')).to.equal('free');
  });
});
