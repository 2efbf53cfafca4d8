import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Etcd } from '../adapters/etcd-gateway/index.js';
import { openEtcdLock } from '../adapters/lock-etcd/open.js';
import { openFlockLock } from '../adapters/lock-flock/open.js';
import type { LeaderLock, Lease } from '../ports/stargate/leader-lock.js';
import { FreezingProxy } from '../test/support/worlds/freezing-proxy.js';
import { TestEtcd } from '../test/support/programs/etcd.js';
import { startHolder } from '../test/support/programs/holder-process.js';
import { quantile, reportAll, type Row, timed } from './report.js';

/**
 * What a lock costs, and how long nobody leads when its holder is gone: killed, stopped (SIGSTOP) or cut off. Of what is cut off, also
 * how long before the next one leads it knew. Every take-over is a check too: the bench fails when two lead at once.
 * `node dist/bench/locks.js [RUNS] [TAKEOVERS]`
 */
const RUNS = Number(process.argv[2] ?? 200);
const TAKEOVERS = Number(process.argv[3] ?? 5);
const TTL = 3;
/** How long a lock of one host is waited for in vain while its holder stands still, ms. */
const IN_VAIN_MS = 2000;

const folder = await mkdtemp(join(tmpdir(), 'git-kv-locks-'));
const etcd = await TestEtcd.start({ sync: true });
const holder = (name: string): string => fileURLToPath(new URL(`../test/adapters/${name}-holder.js`, import.meta.url));
const overEtcd = async (key: string, endpoint = etcd.url): Promise<LeaderLock> =>
  openEtcdLock({ etcd: await Etcd.open({ endpoints: [endpoint], timeoutMs: 500 }), key, ttlSeconds: TTL });

const won = (lease: Lease | null): Lease => {
  if (lease === null) throw new Error('the lock was expected to be free');
  return lease;
};
/** Tries until the lock is free; gives ms. */
const takeover = async (lock: LeaderLock): Promise<{ ms: number; lease: Lease }> => {
  const start = performance.now();
  for (;;) {
    const lease = await lock.acquire('next');
    if (lease !== null) return { ms: performance.now() - start, lease };
    await delay(5);
  }
};
const spell = (samples: readonly number[]): string =>
  `${Math.round(quantile(samples, 0.5))} (at most ${Math.round(Math.max(...samples))})`;

try {
  const flock = await openFlockLock({ path: join(folder, 'cost.lock') });
  const lock = await overEtcd('/cost');
  const costs: Row[] = [];
  const asks: Row[] = [];
  for (const [what, one] of [
    ['lock-flock', flock],
    ['lock-etcd', lock],
  ] as const) {
    const [cost, ask]: [number[], number[]] = [[], []];
    for (let run = 0; run < RUNS; run++) cost.push(await timed(async () => won(await one.acquire('bench')).release()));
    const lease = won(await one.acquire('bench'));
    for (let run = 0; run < RUNS; run++) ask.push(await timed(() => lease.held()));
    costs.push({ what, samples: cost });
    asks.push({ what, samples: ask });
    await one.close();
  }

  const flockPath = join(folder, 'gone.lock');
  const killed: Record<string, number[]> = { flock: [], etcd: [] };
  const [stopped, cutOff, knew]: number[][] = [[], [], []];
  for (let run = 0; run < TAKEOVERS; run++) {
    const local = await startHolder(holder('lock-flock'), flockPath);
    const next = await openFlockLock({ path: flockPath });
    await local.kill();
    killed['flock']?.push((await takeover(next)).ms);
    await next.close();

    const key = `/gone/${run}`;
    const remote = await startHolder(holder('lock-etcd'), etcd.url, key, String(TTL));
    const another = await overEtcd(key);
    await remote.kill();
    const after = await takeover(another);
    killed['etcd']?.push(after.ms);
    await after.lease.release();

    const paused = await startHolder(holder('lock-etcd'), etcd.url, key, String(TTL));
    paused.pause();
    const { ms, lease } = await takeover(another);
    stopped?.push(ms);
    const answer = paused.ask();
    paused.resume();
    if ((await answer).held) throw new Error('two lead: one that was stopped, and the next');
    await paused.kill();
    await lease.release();

    const proxy = await FreezingProxy.before(etcd.port);
    const far = await overEtcd(key, `http://127.0.0.1:${proxy.port}`);
    const cut = won(await far.acquire('cut off'));
    let lostAt = Number.POSITIVE_INFINITY;
    cut.lost.addEventListener('abort', () => {
      lostAt = performance.now();
    });
    proxy.freeze();
    const taken = await takeover(another);
    if (lostAt > performance.now()) throw new Error('two lead: one that is cut off, and the next');
    cutOff?.push(taken.ms);
    knew?.push(performance.now() - lostAt);
    await taken.lease.release();
    await far.close();
    proxy.close();
    await another.close();
  }
  const still = await startHolder(holder('lock-flock'), flockPath);
  const waiting = await openFlockLock({ path: flockPath });
  still.pause();
  const inVain = performance.now() + IN_VAIN_MS;
  while (performance.now() < inVain)
    if ((await waiting.acquire('next')) !== null) throw new Error('flock let go of a stopped process');
  await still.kill();
  await waiting.close();

  const rows: [string, string, string][] = [
    ['killed (kill -9)', spell(killed['flock'] ?? []), spell(killed['etcd'] ?? [])],
    ['stopped (SIGSTOP)', 'as long as it stands', spell(stopped ?? [])],
    ['cut off from the lock', 'it lies on one host', spell(cutOff ?? [])],
    ['… which it knew before the next one led', '-', spell(knew ?? [])],
  ];
  const columns = ['lock-flock', `lock-etcd, ${TTL} s`];
  reportAll(
    'locks',
    [
      { title: 'Winning a lease and giving it up', rows: costs },
      { title: 'Asking whether a lease is held, as each commit does', rows: asks },
    ],
    { etcd: 'one member on loopback, synced' },
    [{ title: `Until another leads, ms, ${TAKEOVERS} times each`, columns, rows }],
  );
} finally {
  await etcd.stop();
  await rm(folder, { recursive: true, force: true });
}
