import { ledgerRef } from '../../../domain/ledger/refs.js';
import { Random } from '../../simulation/random.js';
import { until } from '../../support/until.js';
import type { Violation } from '../check.js';
import type { History } from '../history.js';
import { type ClusterFault, FAULTS } from './faults.js';
import { judge } from './judge.js';
import { ClusterPeople } from './people.js';

/** What happens to a cluster. */
export interface ClusterPlan {
  readonly seed: number;
  readonly servers: number;
  readonly writers: number;
  /** How long faults are made, at the least; each that has begun is ended. */
  readonly seconds: number;
  /** Each fault is made so often, one after the other, instead of any for some seconds. */
  readonly each?: number;
  /** Only faults whose names contain this. */
  readonly only?: string;
  /** Told of each fault when it is over. */
  readonly line?: (phase: Phase) => void;
}

/** A fault, and what became of writes meanwhile. */
export interface Phase {
  readonly fault: string;
  /** Milliseconds, of the clock of the history. */
  readonly began: number;
  readonly ended: number;
  /** Writes that were acknowledged from its beginning until some were taken after its end. */
  readonly acknowledged: number;
  /** The longest time in which none was acknowledged, ms. */
  readonly longest: number;
}

/** What has happened. */
export interface ClusterReport {
  readonly history: History;
  readonly violations: readonly Violation[];
  readonly phases: readonly Phase[];
  /** Faults that can't be made on this machine, and why. */
  readonly missing: ReadonlyMap<string, string>;
  /** The longest time in which no write was acknowledged, ms. */
  readonly longest: number;
}

/** A fault is over once so many writes were acknowledged after it. */
const AFTER = 3;
/** Each so manieth writer calls `git kv`. */
const CALLERS = 4;
const DISK_MIB = 64;
/** How long writes may be kept from a cluster that nothing is wrong with any more, ms. */
const PATIENCE_MS = 60_000;
const CLOCK = `--import=${new URL('shifted-clock.js', import.meta.url)}`;

/** Lets it all happen to a cluster of processes with an etcd of three members, and gives what there is to judge. */
export async function runCluster(plan: ClusterPlan): Promise<ClusterReport> {
  const random = new Random(plan.seed);
  let isOver = false;
  const callers = Math.max(1, Math.floor(plan.writers / CALLERS));
  const people = await ClusterPeople.of(
    { servers: plan.servers, etcdMembers: 3, links: true, diskMib: DISK_MIB, env: { NODE_OPTIONS: CLOCK } },
    { streams: Math.max(1, plan.writers - callers), callers },
    { random, over: () => isOver },
  );
  const { world, recorder } = people;
  try {
    const writing = [
      ...people.streams.map((stream) => stream.run()),
      ...people.callers.map((caller, at) => caller.write(at % 2 === 0 ? 'main' : 'seq')),
    ];
    const missing = new Map(FAULTS.flatMap(({ name, missing: why }) => (why?.(world) ? [[name, why(world) as string]] : [])));
    const phases = await trouble(plan, people, random, missing);
    isOver = true;
    await Promise.all(writing);
    await people.level();
    const violations = await judge(world, recorder);
    const [first, last] = [phases[0]?.began ?? 0, phases.at(-1)?.ended ?? 0];
    return { history: recorder, violations, phases, missing, longest: measure(recorder, first, last).longest };
  } finally {
    await world.close();
  }
}

async function trouble(
  { seconds, each, only = '', line }: ClusterPlan,
  people: ClusterPeople,
  random: Random,
  missing: ReadonlyMap<string, string>,
): Promise<Phase[]> {
  const { world, board, recorder } = people;
  const possible = FAULTS.filter(({ name }) => !missing.has(name) && name.includes(only));
  if (possible.length === 0) throw new Error(`no fault that can be made here is called '${only}'`);
  const phases: Phase[] = [];
  const stop = performance.now() + 1000 * seconds;
  const served = async (): Promise<void> => {
    const from = board.count();
    await until('writes are taken', () => board.count() - from >= AFTER, { ms: PATIENCE_MS, clue: () => world.logs() });
  };
  /** All servers show what was acknowledged last: who is still behind after one fault would make the next one two. */
  const level = async (): Promise<void> => {
    const newest = recorder.writes.findLast(({ commit, outcome }) => outcome === 'acknowledged' && commit !== null);
    if (newest === undefined) return;
    const args = ['merge-base', '--is-ancestor', newest.commit as string, ledgerRef(newest.ns)];
    const shows = async (repo: string): Promise<boolean> => (await world.git(repo, 'ada', args)).code === 0;
    const all = async (): Promise<boolean> => (await Promise.all(world.servers.map(({ repo }) => shows(repo)))).every(Boolean);
    await until('all servers are level', all, { ms: PATIENCE_MS, clue: () => world.logs() });
  };
  for (const fault of each === undefined ? endless(possible, random) : repeated(possible, each)) {
    if (each === undefined && performance.now() > stop) break;
    await served(); // who is never served has no history
    if (each !== undefined) await level();
    const began = performance.now();
    const end = await fault.begin({ world, people, random });
    await after(random.between(...fault.lasts));
    await end();
    await served();
    const ended = performance.now();
    const phase = { fault: fault.name, began, ended, ...measure(recorder, began, ended) };
    phases.push(phase);
    line?.(phase);
  }
  return phases;
}

/** All in a random order, again and again. */
function* endless(faults: readonly ClusterFault[], random: Random): Generator<ClusterFault> {
  for (let bag: ClusterFault[] = []; ; ) {
    if (bag.length === 0) bag = [...faults];
    yield* bag.splice(random.between(0, bag.length - 1), 1);
  }
}

function* repeated(faults: readonly ClusterFault[], each: number): Generator<ClusterFault> {
  for (const fault of faults) for (let at = 0; at < each; at++) yield fault;
}

/** How many writes were acknowledged from a time to another, and for how long none was. */
function measure({ writes }: History, from: number, to: number): Pick<Phase, 'acknowledged' | 'longest'> {
  const times = writes
    .flatMap(({ outcome, ended }) =>
      outcome === 'acknowledged' && ended !== null && ended >= from && ended <= to ? [ended] : [],
    )
    .sort((a, b) => a - b);
  let last = from;
  let longest = 0;
  for (const time of [...times, to]) {
    longest = Math.max(longest, time - last);
    last = time;
  }
  return { acknowledged: times.length, longest };
}

const after = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
