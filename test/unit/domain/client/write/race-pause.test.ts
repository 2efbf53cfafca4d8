import { expect } from 'chai';
import type { Clone, WritingPorts } from '../../../../../domain/client/clone/clone.js';
import { pauseAfterRace } from '../../../../../domain/client/write/linear/line/race-pause.js';

/** The longest that is waited after so many lost races, ms. */
async function longest(lostBefore: number, attemptMs: number): Promise<number> {
  const slept: number[] = [];
  const clone = { clock: { sleep: async (ms: number) => void slept.push(ms) } } as unknown as Clone; // it asks for no more
  const ports = { randomness: { bytes: () => Uint8Array.of(255) } } as unknown as WritingPorts;
  await pauseAfterRace(clone, ports, lostBefore, attemptMs);
  return slept[0] ?? -1;
}

describe('the pause after a lost race', () => {
  it('is short after the first one, however long an attempt takes', async () => {
    expect(await longest(0, 5000)).to.equal(20);
  });

  it('grows with what an attempt takes from then on, so that many writers spread out', async () => {
    const pauses = await Promise.all([1, 2, 3, 4, 5, 9].map((lost) => longest(lost, 500)));
    expect(pauses).to.deep.equal([500, 1000, 2000, 4000, 8000, 8000]);
    expect(await longest(9, 5000)).to.equal(15_000);
  });

  it('is no shorter than it was where attempts are quick', async () => {
    expect(await Promise.all([1, 3, 6, 20].map((lost) => longest(lost, 1)))).to.deep.equal([40, 160, 1280, 1500]);
  });
});
