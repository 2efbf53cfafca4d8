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

/** What became of a share of a range. */
export interface Tally {
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

/** Room for what is young, MiB: a schedule leaves much behind that is looked at never again, and a third of the time went into sweeping it. */
const YOUNG_MIB = 96;

/** Runs a range of schedules, on as many threads as it says; gives the tally of each. */
export function runRange(range: Range): Promise<readonly Tally[]> {
  const shares = Array.from({ length: range.jobs }, (_, share): Promise<Tally> => {
    const worker = new Worker(new URL(import.meta.url), {
      workerData: { ...range, share } satisfies Share,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MIB },
    });
    return new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
  });
  return Promise.all(shares);
}

/** The first seed that has failed; null: none has. */
export const firstFailed = (tallies: readonly Tally[]): number | null =>
  tallies.flatMap(({ failed }) => (failed === null ? [] : [failed])).sort((a, b) => a - b)[0] ?? null;

async function main(range: Range): Promise<number> {
  const started = Date.now();
  const tallies = await runRange(range);
  const sum = (of: (tally: Tally) => number): number => tallies.reduce((total, tally) => total + of(tally), 0);
  const seconds = (Date.now() - started) / 1000;
  const runs = sum(({ runs }) => runs);
  console.log(
    `${runs} schedules in ${seconds.toFixed(1)} s (${Math.round(runs / seconds)}/s), ${sum(({ steps }) => steps)} steps, ` +
      `${sum(({ accepted }) => accepted)} accepted writes; longest way to rest ${Math.max(...tallies.map(({ level }) => level))} ms`,
  );
  const failed = firstFailed(tallies);
  if (failed === null) return 0;
  console.log(explain(failed, bugNamed(range.bug)));
  return 1;
}

if (!isMainThread)
  parentPort?.postMessage(runShare(workerData as Share)); // what `runRange` has put there
else if (process.env['SIMULATE'] !== undefined) process.exitCode = await main(JSON.parse(process.env['SIMULATE']) as Range); // written by scripts/simulate.mjs
