import { expect } from 'chai';
import { SOUND } from './bug.js';
import { PLANTED } from './bugs.js';
import { planOf, rootPlanOf } from './plan.js';
import { explain, firstFailed, runRange } from './run.js';
import { shrink } from './shrink.js';
import { simulate } from './simulate.js';

/** How many schedules each run of the suite tries; `npm run simulate` tries more. */
const SEEDS = Number(process.env['SIMULATE_SEEDS'] ?? 12_000);
/** The same for one of many repositories. */
const ROOT_SEEDS = Math.ceil(SEEDS / 12);
/** The first of those that finds it when attempts are forgotten. */
const FORGETTING = 2;
/** How far a planted bug is looked for, from the seed on that once found it. */
const FAR = 20_000;

describe('a simulated cluster', function () {
  this.timeout(600_000);

  it(`loses nothing, splits nowhere and comes to rest in ${SEEDS} schedules`, async () => {
    const tallies = await runRange({ from: 1, seeds: SEEDS, jobs: 1 });
    const failed = firstFailed(tallies);
    if (failed !== null) expect.fail(explain(failed));
    const accepted = tallies.reduce((sum, tally) => sum + tally.accepted, 0);
    expect(accepted, 'writes that were accepted in spite of it all').to.be.greaterThan(SEEDS);
  });

  it(`does so under the lock of a root too, closed and opened again under it, in ${ROOT_SEEDS} schedules`, () => {
    for (let seed = 1; seed <= ROOT_SEEDS; seed++) {
      const { violation } = simulate(rootPlanOf(seed));
      if (violation !== null) expect.fail(`seed ${seed}: ${violation.message}`);
    }
  });

  it('finds it when attempts under a lock that is kept are counted from the beginning', () => {
    const bug = { forgetsAttempts: true };
    let seed = FORGETTING;
    while (simulate(rootPlanOf(seed), bug).violation === null) if (++seed > FORGETTING + FAR) expect.fail('it was not found');
    expect(simulate(rootPlanOf(seed)).violation, 'without the bug').to.equal(null);
  });

  it('does the same for the same seed', () => {
    const traceOf = (seed: number): string[] => {
      const trace: string[] = [];
      simulate(planOf(seed), SOUND, trace);
      return trace;
    };
    for (const seed of [1, 7, 23]) {
      expect(traceOf(seed)).to.deep.equal(traceOf(seed));
      expect(traceOf(seed).length).to.be.greaterThan(20);
    }
  });

  it('has schedules of every kind', () => {
    const plans = Array.from({ length: 500 }, (_, at) => planOf(at + 1));
    const kinds = new Set(plans.flatMap(({ faults }) => faults.map(({ kind }) => kind)));
    expect([...kinds].sort()).to.deep.equal(
      ['add', 'crash', 'cut', 'full', 'isolate', 'jump', 'log-cut', 'log-down', 'pause', 'remove', 'transfer', 'wipe'].sort(),
    );
    expect(new Set(plans.map(({ servers, log, ack }) => `${servers} ${log} ${ack}`)).size).to.be.greaterThan(10);
  });

  for (const bug of PLANTED) {
    it(`finds it when ${bug.name}`, () => {
      let seed = bug.seed;
      while (simulate(planOf(seed), bug).violation === null) if (++seed > bug.seed + FAR) expect.fail('it was not found');
      expect(simulate(planOf(seed), SOUND).violation, 'without the bug').to.equal(null);
    });
  }

  it('shrinks what it finds to a trace that fits on a page', () => {
    const bug = PLANTED.find(({ name }) => name.startsWith('a new leader serves')) ?? SOUND;
    const seed = Array.from({ length: FAR }, (_, at) => at + 1).find((at) => simulate(planOf(at), bug).violation !== null) ?? 0;
    const whole: string[] = [];
    simulate(planOf(seed), bug, whole);
    const { plan, run, trace } = shrink(planOf(seed), bug, 2000);
    expect(run.violation?.invariant).to.equal('no hope');
    expect(trace.at(-1)).to.match(/^!! no hope: s\d claims entry \d+, and has -?\d+$/);
    expect(trace.length).to.be.lessThan(Math.min(whole.length + 1, 40));
    expect(plan.faults.length + plan.writes.length).to.be.lessThan(6);
  });
});
