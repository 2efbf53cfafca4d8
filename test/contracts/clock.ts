import { expect } from 'chai';
import type { Clock, Randomness } from '../../ports/index.js';
import { thrownBy } from './mirror-target.js';

/** What every clock does; a clock that a test moves is none of these. */
export function clockContract(name: string, factory: () => Promise<Clock>): void {
  describe(`clock contract: ${name}`, () => {
    let clock: Clock;
    before(async () => {
      clock = await factory();
    });

    it('tells the time in milliseconds, UTC, and goes on', async () => {
      const before = clock.now();
      expect(Math.abs(before - Date.now())).to.be.lessThan(1000);
      await clock.sleep(20);
      // A timer may be a millisecond early by the clock on the wall.
      expect(clock.now() - before).to.be.at.least(18);
    });

    it('ends a sleep when the signal fires, and lets one that has ended alone', async () => {
      const stop = new AbortController();
      await clock.sleep(1, stop.signal);
      const sleep = clock.sleep(60_000, stop.signal);
      stop.abort();
      expect((await thrownBy(sleep)).code).to.equal('INTERRUPTED');
      expect((await thrownBy(clock.sleep(60_000, stop.signal))).code, 'fired before').to.equal('INTERRUPTED');
    });
  });
}

/** What every source of randomness does. */
export function randomnessContract(name: string, factory: () => Promise<Randomness>): void {
  describe(`randomness contract: ${name}`, () => {
    it('gives as many bytes as asked for, each time others, in an array of their own', async () => {
      const random = await factory();
      for (const count of [0, 1, 10, 65_537]) expect(random.bytes(count)).to.have.length(count);
      const kept = random.bytes(16);
      const copy = Buffer.from(kept);
      expect(copy.equals(random.bytes(16))).to.equal(false);
      expect(copy.equals(kept), 'what was given stays').to.equal(true);
    });
  });
}
