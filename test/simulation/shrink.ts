import type { Bug } from './bug.js';
import type { Fault, Plan } from './plan.js';
import { type Run, simulate } from './simulate.js';

/** How many runs a shrink may take: some seconds. */
const RUNS = 5000;
/** Whatever is left out changes what chance does to the rest: so many kinds of weather are tried before it is put back. */
const WEATHERS = 12;

/** The smallest plan that was found to break the same invariant, with its run and its trace. */
export interface Shrunk {
  readonly plan: Plan;
  readonly run: Run;
  readonly trace: readonly string[];
}

/** Leaves out of a failing plan whatever it fails without: faults, writes, bad weather, servers. Of what is left, the shortest trace wins. */
export function shrink(plan: Plan, bug: Bug, runs = RUNS): Shrunk {
  const invariant = simulate(plan, bug).violation?.invariant;
  if (invariant === undefined) throw new Error(`seed ${plan.seed} breaks nothing`);
  let left = runs;
  const fails = (candidate: Plan): boolean => left-- > 0 && simulate(candidate, bug).violation?.invariant === invariant;
  const failing = (candidate: Plan): Plan | undefined =>
    [candidate.weather, ...Array.from({ length: WEATHERS }, (_, at) => at + 1)]
      .map((weather) => ({ ...candidate, weather }))
      .find(fails);
  let best = plan;
  for (let before: Plan | null = null; before !== best && left > 0; ) {
    before = best;
    for (const smaller of smallerPlans) {
      // The list is made anew from what is left, and gone on with where it was: what is needed once is hardly needless later.
      for (let at = 0, list = smaller(best); at < list.length && left > 0; ) {
        const candidate = list[at];
        const found = candidate && failing(candidate);
        if (found === undefined) at++;
        else {
          best = found;
          list = smaller(best);
        }
      }
    }
  }
  let shortest = traceOf(best, bug);
  for (let weather = 1; weather <= 300; weather++) {
    const candidate = { ...best, weather };
    if (simulate(candidate, bug).violation?.invariant !== invariant) continue;
    const trace = traceOf(candidate, bug);
    if (trace.length < shortest.length) [best, shortest] = [candidate, trace];
  }
  return { plan: best, run: simulate(best, bug), trace: shortest };
}

function traceOf(plan: Plan, bug: Bug): string[] {
  const trace: string[] = [];
  simulate(plan, bug, trace);
  return trace;
}

const without = <T>(list: readonly T[]): T[][] => list.map((_, at) => list.filter((_one, index) => index !== at));
const halves = <T>(list: readonly T[]): T[][] =>
  list.length < 4 ? [] : [list.slice(list.length >> 1), list.slice(0, list.length >> 1)];

/** Plans that are a little simpler in one way, the boldest first. */
const smallerPlans: readonly ((plan: Plan) => Plan[])[] = [
  ({ faults, ...plan }) => [...halves(faults), ...without(faults)].map((rest): Plan => ({ ...plan, faults: rest as Fault[] })),
  ({ writes, ...plan }) => [...halves(writes), ...without(writes)].map((rest): Plan => ({ ...plan, writes: rest })),
  (plan) => (plan.rates.some((rate) => rate !== 1) ? [{ ...plan, rates: plan.rates.map(() => 1) }] : []),
  (plan) => (plan.late > 0 ? [{ ...plan, late: 0 }] : []),
  (plan) => (plan.twice > 0 ? [{ ...plan, twice: 0 }] : []),
  (plan) => (plan.loss > 0 ? [{ ...plan, loss: 0 }] : []),
  (plan) => (plan.delay > 3 ? [{ ...plan, delay: 3 }] : []),
  (plan) => (plan.spares > 0 ? [{ ...plan, spares: plan.spares - 1 }] : []),
  (plan) => (plan.log === 'etcd' && plan.servers > 2 ? [{ ...plan, servers: plan.servers - 1 }] : []),
  (plan) => [0.6, 0.85].map((part) => earlier(plan, part)).filter(({ until }) => until > 900),
];

/** Everything happens sooner. */
function earlier(plan: Plan, part: number): Plan {
  const at = <T extends { readonly at: number }>(one: T): T => ({ ...one, at: Math.round(one.at * part) });
  return { ...plan, until: Math.round(plan.until * part), faults: plan.faults.map(at), writes: plan.writes.map(at) };
}
