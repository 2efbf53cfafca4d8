import type { Bug } from './bug.js';
import type { Fault, Plan } from './plan.js';
import { type Run, simulate } from './simulate.js';

/** How many runs a shrink may take. */
const RUNS = 4000;

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
  let best = plan;
  for (let before: Plan | null = null; before !== best && left > 0; ) {
    before = best;
    for (const smaller of smallerPlans(best))
      if (fails(smaller)) {
        best = smaller;
        break;
      }
  }
  // Other weather may lead there sooner.
  let shortest = tracedLines(best, bug);
  for (let weather = 1; weather <= 200 && left > 0; weather++) {
    const candidate = { ...best, weather };
    if (!fails(candidate)) continue;
    const trace = tracedLines(candidate, bug);
    if (trace.length < shortest.length) [best, shortest] = [candidate, trace];
  }
  return { plan: best, run: simulate(best, bug), trace: shortest };
}

function tracedLines(plan: Plan, bug: Bug): string[] {
  const trace: string[] = [];
  simulate(plan, bug, trace);
  return trace;
}

/** Plans that are a little simpler, the boldest first. */
function* smallerPlans(plan: Plan): Generator<Plan> {
  const calm = { ...plan, loss: 0, twice: 0, delay: 3, rates: plan.rates.map(() => 1) };
  if (plan.loss > 0 || plan.twice > 0 || plan.delay > 3 || plan.rates.some((rate) => rate !== 1)) yield calm;
  for (const list of [plan.faults, plan.writes]) {
    const half = Math.ceil(list.length / 2);
    for (const size of half > 1 ? [half, 1] : [1])
      for (let at = 0; at < list.length; at += size) {
        const rest = list.filter((_, index) => index < at || index >= at + size);
        if (list === plan.faults) yield { ...plan, faults: rest as readonly Fault[] };
        else yield { ...plan, writes: rest as Plan['writes'] };
      }
  }
  if (plan.loss > 0) yield { ...plan, loss: 0 };
  if (plan.twice > 0) yield { ...plan, twice: 0 };
  if (plan.delay > 3) yield { ...plan, delay: 3 };
  if (plan.rates.some((rate) => rate !== 1)) yield { ...plan, rates: plan.rates.map(() => 1) };
  if (plan.spares > 0) yield { ...plan, spares: plan.spares - 1 };
  if (plan.log === 'etcd' && plan.servers > 2) yield { ...plan, servers: plan.servers - 1 };
  if (plan.until > 1000) yield { ...plan, until: Math.round(plan.until * 0.7) };
}
