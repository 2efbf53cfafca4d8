import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { newPrivateKey, ownKey } from '../apps/ssh-signature.js';
import { KvError } from '../ports/error.js';
import { TestEtcd } from '../test/support/etcd.js';
import { IntentClient } from '../test/support/intent-stream.js';
import { IntentMaker, type MadeIntent } from '../test/support/intents.js';
import { World } from '../test/support/world.js';
import { EtcdPuts } from './streams/etcd-puts.js';
import { quantile, reportAll, type Sheet } from './report.js';

/**
 * What a Stargate orders when nobody's start-up is in the way: writers on streams, each with one intent on its way at a time, all made and
 * signed before; beside them as many clients that put into an etcd on the same disk. `node dist/bench/streams.js [WRITERS,…] [INTENTS]`
 */
const CROWDS = (process.argv[2] ?? '1,16,64').split(',').map(Number);
const INTENTS = Number(process.argv[3] ?? 1000);
const LARGE = 100;
const TICKS_PER_S = 100;

const key = ownKey(newPrivateKey());
const PEOPLE = ['ada', 'bob', 'eve']; // one key may have half of the places
const world = await World.create({
  writers: PEOPLE,
  policy: (text) =>
    text
      .replace('ledger_mode: linear', 'ledger_mode: sequenced')
      .replace(/(\n +writers:\n)/, `$1      - "${key.material} signer"\n`),
});
const rows: [string, ...(string | number)[]][] = [];
try {
  const first = IntentClient.open(world, 'ada');
  const { repository } = await first.greeting();
  first.end();
  const maker = new IntentMaker({ signer: () => key }, repository, world.hash);
  for (const crowd of CROWDS) rows.push(await ordered(maker, crowd, 1, Math.min(INTENTS, 250 * crowd)));
  for (const crowd of CROWDS.filter((each) => each > 1)) rows.push(await ordered(maker, crowd, LARGE, INTENTS / 4));
  const etcd = await TestEtcd.start({ sync: true });
  try {
    const puts = new EtcdPuts(etcd.url);
    for (const crowd of CROWDS) {
      const { rate, ms } = await crowded(crowd, INTENTS, (i) => puts.put(`key:${i}`, 'value'));
      rows.push([`etcd, put, ${crowd} clients`, ...figures(rate, ms), '']);
    }
    puts.close();
  } finally {
    await etcd.stop();
  }
} finally {
  await world.close();
}
const columns = ['transactions/s', 'p50 ms', 'p99 ms', 'slowest ms', 'Stargate CPU ms each'];
const sheet: Sheet = { title: `${INTENTS} transactions, one on its way a client`, columns, rows };
reportAll('streams', [], {}, [sheet]);

async function ordered(
  maker: IntentMaker,
  crowd: number,
  keys: number,
  count: number,
): Promise<[string, ...(string | number)[]]> {
  const made: MadeIntent[] = [];
  for (let i = 0; i < count; i++) {
    const own = randomBytes(6).toString('hex');
    const set = Object.fromEntries(Array.from({ length: keys }, (_, at) => [`user:${own}:${at}`, `value ${i} ${at}`]));
    made.push(await maker.make('ada', { set }));
  }
  const clients: IntentClient[] = [];
  for (let i = 0; i < crowd; i++) clients.push(await connected(PEOPLE[i % PEOPLE.length] as string));
  const cpu = daemonCpu();
  const { rate, ms } = await crowded(crowd, count, async (i, who) => {
    const client = clients[who] as IntentClient;
    client.send((made[i] as MadeIntent).objects);
    const { outcome } = await client.answer();
    if (KvError.is(outcome)) throw outcome;
  });
  const each = ((daemonCpu() - cpu) * 1000) / count;
  for (const client of clients) client.end();
  await Promise.all(clients.map(({ ended }) => ended));
  const what = keys === 1 ? 'one key' : `${keys} keys`;
  return [`Stargate, ${what}, ${crowd} writers`, ...figures(rate, ms), each.toFixed(1)];
}

async function connected(person: string): Promise<IntentClient> {
  const client = IntentClient.open(world, person);
  await client.greeting();
  return client;
}

/** Has so many do `count` things among them, one after the other each. */
async function crowded(
  crowd: number,
  count: number,
  work: (i: number, who: number) => Promise<void>,
): Promise<{ rate: number; ms: number[] }> {
  const ms: number[] = [];
  let next = 0;
  const began = performance.now();
  const one = async (who: number): Promise<void> => {
    for (let i = next++; i < count; i = next++) {
      const at = performance.now();
      await work(i, who);
      ms.push(performance.now() - at);
    }
  };
  await Promise.all(Array.from({ length: crowd }, (_, who) => one(who)));
  return { rate: count / ((performance.now() - began) / 1000), ms };
}

function figures(rate: number, ms: readonly number[]): (string | number)[] {
  return [rate.toFixed(0), quantile(ms, 0.5).toFixed(1), quantile(ms, 0.99).toFixed(1), Math.max(...ms).toFixed(0)];
}

/** Processor seconds of the Stargate, of its children too once they have ended. */
function daemonCpu(): number {
  const fields = readFileSync(`/proc/${world.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at]), 0) / TICKS_PER_S;
}
