import { expect } from 'chai';
import { systemClock } from '../../adapters/clock-system/open.js';
import { systemRandomness } from '../../adapters/clock-system/open-randomness.js';
import { thrownBy } from '../contracts/mirror-target.js';

describe('clock-system', () => {
  it('tells the time, sleeps, and wakes when the signal fires', async () => {
    const clock = systemClock();
    expect(Math.abs(clock.now() - Date.now())).to.be.lessThan(1000);
    await clock.sleep(1);
    const stop = new AbortController();
    const sleep = clock.sleep(60_000, stop.signal);
    stop.abort();
    expect((await thrownBy(sleep)).code).to.equal('INTERRUPTED');
  });

  it('gives as many random bytes as asked for, never the same', () => {
    const random = systemRandomness();
    expect(random.bytes(0)).to.have.length(0);
    expect(random.bytes(16)).to.have.length(16);
    expect(Buffer.from(random.bytes(16)).equals(random.bytes(16))).to.equal(false);
  });
});
