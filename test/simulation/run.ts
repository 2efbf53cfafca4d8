/** `npm run simulate`: schedules by the thousand, on every core; a seed that fails is shrunk, and its shortest trace printed. */
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { SOUND } from './bug.js';
import { PLANTED } from './bugs.js';
import { planOf } from './plan.js';
import { shrink } from './shrink.js';
import { simulate } from './simulate.js';

/** Which schedules to run. */
export interface Range {
  readonly from: number;
  readonly seeds: number;
  readonly jobs: number;
  /** The name of a planted bug; absent: nothing is wrong. */
  readonly bug?: string;
}

interface Share extends Range {
  readonly share: number;
}

interface Tally {
  readonly runs: number;
  readonly steps: number;
  readonly accepted: number;
  /** The longest time to come level, ms. */
  readonly level: number;
  readonly failed: number | null;
}

const bugNamed = (name: string | undefined) => (name === undefined ? SOUND : (PLANTED.find((bug) => bug.name === name) ?? SOUND));

/** Runs every `jobs`-th schedule of the range, until one fails. */
function runShare({ from, seeds, jobs, bug: name, share }: Share): Tally {
  const bug = bugNamed(name);
  const tally = { runs: 0, steps: 0, accepted: 0, level: 0 };
  for (let seed = from + share; seed < from + seeds; seed += jobs) {
    const { violation, steps, accepted, level } = simulate(planOf(seed), bug);
    tally.runs += 1;
    tally.steps += steps;
    tally.accepted += accepted;
    tally.level = Math.max(tally.level, level ?? 0);
    if (violation !== null) return { ...tally, failed: seed };
  }
  return { ...tally, failed: null };
}

/** What a failing seed comes down to, as text. */
export function explain(seed: number, bug = SOUND): string {
  const { plan, run, trace } = shrink(planOf(seed), bug);
  const faults = plan.faults.map(({ kind }) => kind).join(', ') || 'none';
  return [
    `seed ${seed} breaks an invariant: ${run.violation?.message ?? ''}`,
    `shrunk: ${plan.servers} servers, log ${plan.log}, ${plan.writes.length} writes, faults: ${faults}`,
    ...trace,
  ].join('\n');
}

async function main(range: Range): Promise<number> {
  const started = Date.now();
  const tallies = await Promise.all(
    Array.from(
      { length: range.jobs },
      (_, share) =>
        new Promise<Tally>((resolve, reject) => {
          const worker = new Worker(new URL(import.meta.url), { workerData: { ...range, share } });
          worker.once('message', resolve);
          worker.once('error', reject);
        }),
    ),
  );
  const sum = (of: (tally: Tally) => number): number => tallies.reduce((total, tally) => total + of(tally), 0);
  const seconds = (Date.now() - started) / 1000;
  const runs = sum(({ runs }) => runs);
  console.log(
    `${runs} schedules in ${seconds.toFixed(1)} s (${Math.round(runs / seconds)}/s), ${sum(({ steps }) => steps)} steps, ` +
      `${sum(({ accepted }) => accepted)} accepted writes; longest way to rest ${Math.max(...tallies.map(({ level }) => level))} ms`,
  );
  const failed = tallies.flatMap((tally) => (tally.failed === null ? [] : [tally.failed])).sort((a, b) => a - b);
  if (failed[0] === undefined) return 0;
  console.log(explain(failed[0], bugNamed(range.bug)));
  return 1;
}

if (!isMainThread)
  parentPort?.postMessage(runShare(workerData as Share)); // what `main` has put there
else if (process.env['SIMULATE'] !== undefined) process.exitCode = await main(JSON.parse(process.env['SIMULATE']) as Range); // written by scripts/simulate.mjs
