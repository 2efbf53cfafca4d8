import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ClusterServer } from '../../test/support/worlds/cluster-world.js';
import { until } from '../../test/support/until.js';
import { memoryOf, type Place } from './place.js';

/** How long nobody takes writes once the leader is killed, or paused past its lease, ms. */
export async function takeover({ world }: Place, signal: 'SIGKILL' | 'SIGSTOP'): Promise<number> {
  const leader = await world.leader();
  const began = performance.now();
  if (signal === 'SIGKILL') await leader.stop(signal);
  else leader.signal(signal);
  await until('another leads', () => world.servers.some((server) => server !== leader && server.leads));
  const took = performance.now() - began;
  if (signal === 'SIGSTOP') leader.signal('SIGCONT');
  else {
    leader.start();
    await leader.ready();
  }
  await until('one leads', () => world.servers.filter(({ leads }) => leads).length === 1);
  await world.level();
  return took;
}

/** How long a leader that has asked a decision log which stood still is in doubt once that goes on, ms. */
export async function doubt({ world }: Place, write: () => Promise<unknown>): Promise<number> {
  world.etcd.signal('SIGSTOP');
  const written = write();
  await new Promise((resolve) => setTimeout(resolve, 500)); // the votes have come, and the decision is under way
  world.etcd.signal('SIGCONT');
  const began = performance.now();
  await written;
  return performance.now() - began;
}

/** What coming level took. */
export interface CaughtUp {
  readonly transactions: number;
  readonly mebibytes: number;
  readonly seconds: number;
  /** What `git fetch` of the same took, from the leader's repository into one that had what the server had. */
  readonly fetched: number;
  /** How often the leader took the server for lost meanwhile. */
  readonly lost: number;
  /** What the leader and the server that was behind had in memory, MiB. */
  readonly leader: number;
  readonly behind: number;
}

/** How long a transaction may take at the least that coming level is waited for, ms. */
const PATIENCE_MS = 200;
const LEAST_MS = 120_000;

/** Stops a standby, has others write, starts it again, and waits until it is level. */
export async function catchUp(
  { world }: Place,
  transactions: number,
  bytes: number,
  write: (at: number) => Promise<unknown>,
): Promise<CaughtUp> {
  const leader = await world.leader();
  const behind = world.servers.find((server) => server !== leader) as ClusterServer; // there are three
  await behind.stop('SIGKILL');
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < transactions) await write(next++);
  };
  await Promise.all(Array.from({ length: 32 }, worker));
  const fetched = await fetchOf(world, behind, leader);
  const most = await memoryOf(leader);
  const lostBefore = timesLost(leader, behind);
  behind.start();
  await behind.ready();
  const began = performance.now();
  await world.level(Math.max(LEAST_MS, transactions * PATIENCE_MS));
  const seconds = (performance.now() - began) / 1000;
  const lost = timesLost(leader, behind) - lostBefore;
  const mebibytes = (transactions * bytes) / 1024 ** 2;
  return { transactions, mebibytes, seconds, fetched, lost, leader: most.now, behind: (await memoryOf(behind)).most };
}

/** How long git takes to bring what one has and the other has not, s. */
async function fetchOf(world: Place['world'], behind: ClusterServer, leader: ClusterServer): Promise<number> {
  const copy = join(world.dir, `fetched-${Date.now()}.git`);
  await world.must('git', ['clone', '-q', '--mirror', behind.repo, copy]);
  const began = performance.now();
  await world.must('git', ['-C', copy, 'fetch', '-q', `file://${leader.repo}`, '+refs/*:refs/*']);
  const seconds = (performance.now() - began) / 1000;
  await rm(copy, { recursive: true, force: true });
  return seconds;
}

/** How often a server's log says that another can't be reached. */
function timesLost({ log }: ClusterServer, { name }: ClusterServer): number {
  return log.split('\n').filter((line) => line.includes('"event":"cluster.peer-lost"') && line.includes(`"${name}"`)).length;
}
