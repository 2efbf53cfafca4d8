import { expect } from 'chai';
import { check, type Rule } from './check.js';
import { MemoryRun } from './memory-run.js';
import { PLANTED } from './planted.js';

/** A mistake that needs others to be in the way may be made without harm, now and then. */
const MOST_RUNS = 8;

describe('many writers of two ledgers, in one process', function () {
  this.timeout(60_000);

  for (const seed of [1, 2]) {
    it(`are told the truth, whatever breaks off (seed ${seed})`, async () => {
      const { history, ledgers } = await MemoryRun.of({ seed, writers: 6, writes: 12, restarts: 2, cuts: 6 });
      expect(check(history, ledgers).map(({ rule, what }) => `${rule}: ${what}`)).to.deep.equal([]);
      const told = history.writes.filter(({ outcome }) => outcome === 'acknowledged');
      // Three in four as a rule; how many meet expectations that don't hold depends on whose turn comes when.
      expect(told.length).to.be.greaterThan(history.writes.length / 3);
    });
  }
});

describe('the checker of histories, of a gateway that is wrong', function () {
  this.timeout(60_000);

  for (const { name, breaks, wrong } of PLANTED) {
    it(`sees that ${name}`, async () => {
      const found = new Set<Rule>();
      for (let seed = 3; seed < 3 + MOST_RUNS && !found.has(breaks); seed++) {
        const { history, ledgers } = await MemoryRun.of({ seed, writers: 4, writes: 12, restarts: 0, cuts: 0, ...wrong() });
        for (const { rule } of check(history, ledgers)) found.add(rule);
      }
      expect([...found]).to.include(breaks);
    });
  }
});
