import type { Ack } from '../../domain/gateway/replicate/quorum.js';
import { Random } from './random.js';

/** One thing that goes wrong, or that an operator does, at a time (ms). Servers are numbers from 0. */
export type Fault = { readonly at: number } & (
  | { readonly kind: 'crash' | 'pause' | 'full' | 'isolate' | 'log-cut'; readonly server: number; readonly for: number }
  | { readonly kind: 'cut'; readonly server: number; readonly to: number; readonly for: number }
  | { readonly kind: 'log-down'; readonly for: number }
  | { readonly kind: 'wipe'; readonly server: number }
  /** The repository is closed, and opened again, while its server keeps the lock; null: the one that leads. */
  | { readonly kind: 'reopen'; readonly server: number | null }
  | { readonly kind: 'jump'; readonly server: number; readonly by: number }
  | { readonly kind: 'transfer' | 'add' | 'remove'; readonly server: number }
);

/** A write, sent to whoever leads, or to any server. */
export interface Write {
  readonly at: number;
  /** The server that it is sent to; null: one that believes that it leads. */
  readonly to: number | null;
}

/** All of a schedule that is chosen before it runs; what messages and disks do follows from `weather`. */
export interface Plan {
  readonly seed: number;
  /** Members at the beginning. */
  readonly servers: number;
  /** The lock is that of a root: it is kept where a repository can't be led, or is closed. */
  readonly root?: boolean;
  /** Servers that may be added. */
  readonly spares: number;
  /** `etcd`: a log and a lock that all reach; `journal`: the first server's disk. */
  readonly log: 'etcd' | 'journal';
  readonly ack: Ack;
  readonly weather: number;
  /** Probabilities of a message's loss and duplication, and its longest delay, ms. */
  readonly loss: number;
  readonly twice: number;
  readonly delay: number;
  /** The probability that a message comes seconds late, or once more then. */
  readonly late: number;
  /** How many applied entries a server keeps for others. */
  readonly keep: number;
  /** How much faster or slower each server's clock runs. */
  readonly rates: readonly number[];
  readonly writes: readonly Write[];
  readonly faults: readonly Fault[];
  /** When faults stop, ms. */
  readonly until: number;
}

/** The schedule of a seed. */
export function planOf(seed: number): Plan {
  const random = new Random(seed);
  const log = random.chance(0.12) ? 'journal' : 'etcd';
  const servers = log === 'journal' ? 2 : random.pick([2, 3, 3, 3, 3, 4, 5, 5]);
  const spares = log === 'etcd' && random.chance(0.25) ? random.between(1, 2) : 0;
  const ack: Ack = random.chance(0.85) ? 'quorum' : random.pick(['leader', 'standby']);
  const until = random.between(2500, 7000);
  const calm = random.chance(0.3);
  const all = servers + spares;
  const faults = Array.from({ length: random.between(0, 7) }, () => faultOf(random, all, spares > 0, ack, until));
  return {
    seed,
    servers,
    spares,
    log,
    ack,
    weather: random.between(1, 1e9),
    loss: calm ? 0 : random.pick([0, 0.01, 0.05, 0.2]),
    twice: calm ? 0 : random.pick([0, 0.02, 0.15]),
    delay: random.pick([3, 20, 120, 600]),
    late: calm ? 0 : random.pick([0, 0.03, 0.15]),
    keep: random.pick([1, 4, 100]),
    rates: Array.from({ length: all }, () => (random.chance(0.7) ? 1 : random.pick([0.5, 0.8, 1.3, 2.5]))),
    writes: writesOf(random, all, faults, until),
    faults: faults.sort((a, b) => a.at - b.at),
    until,
  };
}

/** The schedule of a seed for one of many repositories: the lock is its root's, and it is closed and opened again under it. */
export function rootPlanOf(seed: number): Plan {
  const plan = planOf(seed);
  const random = new Random(plan.weather ^ 0x5f5f5f);
  const times = [...plan.writes.map(({ at }) => at), ...plan.faults.map(({ at }) => at)];
  const reopenings = Array.from({ length: random.between(1, 6) }, (): Fault => {
    const at = random.chance(0.7) ? random.pick(times) + random.between(-20, 200) : random.between(300, plan.until);
    return {
      ...{ at: Math.min(Math.max(at, 0), plan.until), kind: 'reopen' },
      server: random.chance(0.8) ? null : random.between(0, plan.servers - 1),
    };
  });
  const kept = plan.faults.filter(({ kind }) => kind !== 'transfer'); // which hands the lock over
  return { ...plan, root: true, faults: [...kept, ...reopenings].sort((a, b) => a.at - b.at) };
}

/** Half of the writes come when something else happens: that is when they hurt. */
function writesOf(random: Random, all: number, faults: readonly Fault[], until: number): Write[] {
  const times = faults.flatMap((fault) => ('for' in fault ? [fault.at, fault.at + fault.for] : [fault.at]));
  const writes = Array.from({ length: random.between(2, 16) }, () => {
    const isNear = times.length > 0 && random.chance(0.5);
    const at = isNear ? random.pick(times) + random.between(-60, 150) : random.between(300, until);
    return { at: Math.min(Math.max(at, 0), until), to: random.chance(0.15) ? random.between(0, all - 1) : null };
  });
  return writes.sort((a, b) => a.at - b.at);
}

const KINDS = [
  ...(['crash', 'crash', 'crash', 'pause', 'pause', 'isolate', 'cut', 'cut', 'full'] as const),
  ...(['log-cut', 'log-down', 'wipe', 'jump', 'transfer'] as const),
] as const;
const KINDS_OF_MEMBERS = [...KINDS, 'add', 'add', 'add', 'remove', 'remove'] as const;

function faultOf(random: Random, all: number, members: boolean, ack: Ack, until: number): Fault {
  const at = random.between(200, until - 200);
  const server = random.between(0, all - 1);
  const lasts = random.pick([50, 300, 1000, 2500]);
  const kind = random.pick(members ? KINDS_OF_MEMBERS : KINDS);
  switch (kind) {
    case 'cut':
      return { at, kind, server, to: random.between(0, all - 1), for: lasts };
    case 'log-down':
      return { at, kind, for: lasts };
    case 'jump':
      return { at, kind, server, by: random.pick([-3_600_000, -2000, 900, 5000, 86_400_000]) };
    case 'wipe': // what one disk alone holds is lost with it, as the policy says
      return ack === 'quorum' ? { at, kind, server } : { at, kind: 'crash', server, for: lasts };
    case 'transfer':
    case 'add':
    case 'remove':
      return { at, kind, server };
    default:
      return { at, kind, server, for: lasts };
  }
}
