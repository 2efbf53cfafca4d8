import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openStargate } from '../apps/sdk/index.js';
import { type ClusterServer, ClusterWorld } from '../test/support/cluster-world.js';
import { TestEtcd } from '../test/support/etcd.js';
import { until } from '../test/support/until.js';
import { reportAll, quantile, round, type Row, type Sheet } from './report.js';
import { EtcdPuts } from './streams/etcd-puts.js';

/**
 * node dist/bench/cluster.js [--runs N] [--trials N]
 * Writes of one key to a sequenced namespace, one after another over one stream and 64 at a time, with one server and with three (each a
 * process, on one machine, with one etcd), beside `put` of that etcd; and how long nobody leads when the leader is killed.
 */
const { values: options } = parseArgs({
  options: { runs: { type: 'string', default: '200' }, trials: { type: 'string', default: '5' } },
});
const runs = Number(options.runs);
const trials = Number(options.trials);
const CROWD = 64;

const sequenced = (text: string): string => text.replace('ledger_mode: linear', 'ledger_mode: sequenced');

/** How long each write takes, one after another; and how many are taken a second, many at a time. */
async function measured(what: string, write: (at: number) => Promise<unknown>): Promise<{ row: Row; rate: number }> {
  const samples: number[] = [];
  for (let at = -20; at < runs; at++) {
    const start = performance.now();
    await write(at + 20);
    if (at >= 0) samples.push(performance.now() - start);
  }
  let next = runs + 20;
  const last = next + 10 * runs;
  const start = performance.now();
  const worker = async (): Promise<void> => {
    while (next < last) await write(next++);
  };
  await Promise.all(Array.from({ length: CROWD }, worker));
  return { row: { what, samples }, rate: Math.round((10 * runs * 1000) / (performance.now() - start)) };
}

/** Opens a writer at a server, whose host key ssh notes first. */
async function writerAt(world: ClusterWorld, server: ClusterServer) {
  await world.run('git', ['ls-remote', server.pushUrl]);
  const known = { knownHosts: join(world.dir, 'known_hosts'), key: join(world.dir, 'ada') };
  return openStargate({ url: server.pushUrl, author: 'ada <ada@example.org>', ...known });
}

/** How long nobody takes writes once the leader is killed, ms. */
async function takeover(world: ClusterWorld): Promise<number> {
  const leader = await world.leader();
  const killed = performance.now();
  await leader.stop('SIGKILL');
  await until('another leads', () => world.servers.some((server) => server.leads));
  const took = performance.now() - killed;
  leader.start();
  await leader.ready();
  await world.level();
  return took;
}

const rows: Row[] = [];
const rates: [string, number][] = [];
const takeovers: number[] = [];
const etcd = await TestEtcd.start({ sync: true });
const puts = new EtcdPuts(etcd.url);
const peer = await measured('etcd, one member, put', (at) => puts.put(`k${at}`, 'value'));
rows.push(peer.row);
rates.push([peer.row.what, peer.rate]);
puts.close();
await etcd.stop();
for (const servers of [1, 3]) {
  const world = await ClusterWorld.create({ servers, policy: sequenced });
  try {
    const stargate = await writerAt(world, await world.leader());
    const { row, rate } = await measured(`git-kv, ${servers} ${servers === 1 ? 'server' : 'servers'}, set`, (at) =>
      stargate.set(`k:${at}`, 'value'),
    );
    rows.push(row);
    rates.push([row.what, rate]);
    await stargate.close();
    if (servers > 1) for (let trial = 0; trial < trials; trial++) takeovers.push(await takeover(world));
  } finally {
    await world.close();
  }
}
const sheets: Sheet[] = [
  { title: `${CROWD} writes at a time`, columns: ['writes/s'], rows: rates },
  {
    title: 'The leader of three is killed: until another leads (lock ttl 2 s)',
    columns: ['trials', 'p50 s', 'max s'],
    rows: [['takeover', takeovers.length, round(quantile(takeovers, 0.5) / 1000, 1), round(Math.max(...takeovers) / 1000, 1)]],
  },
];
reportAll(
  'cluster',
  [{ title: 'A write of one key, one after another', rows }],
  { machine: 'noisy: other work ran beside' },
  sheets,
);
