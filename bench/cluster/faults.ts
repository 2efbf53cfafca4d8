import type { ClusterServer } from '../../test/support/cluster-world.js';
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
  /** What the leader and the server that was behind had in memory, MiB. */
  readonly leader: number;
  readonly behind: number;
}

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
  const most = await memoryOf(leader);
  behind.start();
  await behind.ready();
  const began = performance.now();
  await world.level();
  const seconds = (performance.now() - began) / 1000;
  const mebibytes = (transactions * bytes) / 1024 ** 2;
  return { transactions, mebibytes, seconds, leader: most.now, behind: (await memoryOf(behind)).most };
}
