import { parseArgs } from 'node:util';
import { openClone } from '../apps/sdk/index.js';
import { TestEtcd } from '../test/support/programs/etcd.js';
import { createCorpus, keyAt, valueAt } from './corpus.js';
import { quantile, reportAll, type Row, round, type Sheet, type Table } from './report.js';
import { EtcdGets } from './sdk/etcd-gets.js';

/**
 * node dist/bench/sdk.js [--runs N] [--keys N]
 * `get` of the SDK on a warm clone, one after the other and many at a time, beside gets from an etcd on loopback that holds the same keys.
 * Nobody writes meanwhile; the clone looks at its refs at each get, and etcd at its log.
 */
const { values: options } = parseArgs({
  options: { runs: { type: 'string', default: '5000' }, keys: { type: 'string', default: '100000' } },
});
const runs = Number(options.runs);
const keys = Number(options.keys);
const WARM_UP = 2000;
/** Gets that are under way at a time. */
const CROWD = 64;
/** Keys that a program asks for again and again. */
const HOT = 100;

type Get = (key: string) => Promise<Uint8Array>;

/** Spread over all keys, so that no two gets after each other are of neighbours; or over the few that are hot. */
const spread = (i: number, of: number): number => (i * 7919) % of;

/** Each side gets the same keys in turn, so that what else the machine does meets all. ms each. */
async function inTurn(sides: readonly (readonly [string, Get])[], of: number): Promise<Row[]> {
  const rows = sides.map(([what]) => ({ what, samples: [] as number[] }));
  for (let i = -WARM_UP; i < runs; i++) {
    const at = spread(i + WARM_UP, of);
    for (const [n, [what, get]] of sides.entries()) {
      const start = performance.now();
      const value = await get(keyAt(at));
      const ms = performance.now() - start;
      if (value.length !== valueAt(at).length) throw new Error(`${what}: another value`);
      if (i >= 0) rows[n]?.samples.push(ms);
    }
  }
  return rows;
}

/** Gets a second, with so many of them under way at a time. */
async function rate(get: Get): Promise<number> {
  let next = 0;
  const start = performance.now();
  const worker = async (): Promise<void> => {
    while (next < runs) await get(keyAt(spread(next++, keys)));
  };
  await Promise.all(Array.from({ length: CROWD }, worker));
  return Math.round((1000 * runs) / (performance.now() - start));
}

const corpus = await createCorpus(keys);
const etcd = await TestEtcd.start();
const client = new EtcdGets(etcd.url);
const clone = await openClone({ directory: corpus.repository, env: corpus.env, offline: true });
try {
  for (let at = 0; at < keys; at += 100)
    await client.put(Array.from({ length: Math.min(100, keys - at) }, (_, i) => [keyAt(at + i), valueAt(at + i)] as const));
  const sides: readonly (readonly [string, Get])[] = [
    ['etcd, get (linearizable), gRPC on loopback', (key) => client.get(key, false)],
    ['etcd, get (serializable), gRPC on loopback', (key) => client.get(key, true)],
    ['git-kv/client, get', async (key) => (await clone.get(key)).value],
  ];
  const shown = keys.toLocaleString('en');
  const tables: Table[] = [
    { title: `One value of ${shown}, one get after the other`, rows: await inTurn(sides, keys) },
    { title: `One of ${HOT} hot values of ${shown}`, rows: await inTurn(sides, HOT) },
  ];
  const rates: [string, number][] = [];
  for (const [what, get] of sides) rates.push([what, await rate(get)]);
  const p99 = (table: Table): [string, ...number[]][] =>
    table.rows.map(({ what, samples }) => [what, round(quantile(samples, 0.5), 3), round(quantile(samples, 0.99), 3)]);
  const sheets: Sheet[] = [
    ...tables.map((table): Sheet => ({ title: table.title, columns: ['p50 ms', 'p99 ms'], rows: p99(table) })),
    { title: `${CROWD} gets at a time`, columns: ['gets/s'], rows: rates },
  ];
  reportAll('sdk', [], {}, sheets);
} finally {
  await clone.close();
  client.close();
  await etcd.stop();
  corpus.remove();
}
