import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { newPrivateKey, ownKey } from '../apps/ssh-signature.js';
import { KvError } from '../ports/error.js';
import { TestEtcd } from '../test/support/programs/etcd.js';
import { IntentClient } from '../test/support/programs/intent-stream.js';
import { IntentMaker, type MadeIntent } from '../test/support/formats/intents.js';
import { World } from '../test/support/worlds/world.js';
import { CpuMeter, cpuEach } from './streams/cpu.js';
import { EtcdPuts } from './streams/etcd-puts.js';
import { partsOf } from './streams/profile.js';
import { quantile, reportAll, round, type Sheet } from './report.js';

/**
 * What a Stargate orders when nobody's start-up is in the way: writers on streams, each with one intent on its way at a time, all made and
 * signed before; beside them as many clients that put into an etcd on the same disk; and what the Stargate's time goes to meanwhile.
 * `node dist/bench/streams.js [WRITERS,…] [INTENTS] [KEYS,…]`
 */
const CROWDS = (process.argv[2] ?? '1,16,64').split(',').map(Number);
const INTENTS = Number(process.argv[3] ?? 4000);
const KEYS = (process.argv[4] ?? '1,100').split(',').map(Number);
const ONE_BY_ONE = 250;

const key = ownKey(newPrivateKey());
const PEOPLE = ['ada', 'bob', 'eve']; // one key may have half of the places
const world = await World.create({
  writers: PEOPLE,
  policy: (text) =>
    text
      .replace('ledger_mode: linear', 'ledger_mode: sequenced')
      .replace(/(\n +writers:\n)/, `$1      - "${key.material} signer"\n`),
});
const PROFILE = join(world.dir, 'profile.json');
const rows: [string, ...(string | number)[]][] = [];
const puts: [string, ...(string | number)[]][] = [];
const profiles: Sheet[] = [];
try {
  const meter = await CpuMeter.on(world);
  await world.stop();
  await world.start({
    PROFILE_TO: PROFILE,
    NODE_OPTIONS: `--import ${new URL('streams/profile-on-signal.js', import.meta.url)}`,
  });
  const first = IntentClient.open(world, 'ada');
  const { repository } = await first.greeting();
  first.end();
  const maker = new IntentMaker({ signer: () => key }, repository, world.hash);
  const etcd = await TestEtcd.start({ sync: true });
  try {
    const client = new EtcdPuts(etcd.url);
    for (const crowd of CROWDS) {
      for (const keys of KEYS) {
        if (keys > 1 && crowd === 1) continue;
        const count = Math.ceil(Math.min(INTENTS, ONE_BY_ONE * crowd) / (keys > 1 ? 5 : 1));
        rows.push(await ordered(meter, maker, crowd, keys, count));
      }
      const { rate, ms } = await crowded(crowd, Math.min(INTENTS, ONE_BY_ONE * crowd), (i) => client.put(`key:${i}`, 'value'));
      puts.push([`etcd, put, ${crowd} clients`, ...figures(rate, ms), '', '', '', '']);
    }
    client.close();
  } finally {
    await etcd.stop();
  }
} finally {
  await world.close();
}
const columns = [
  'transactions/s',
  'p50 ms',
  'p99 ms',
  'slowest ms',
  'CPU ms each: Stargate',
  'its Git',
  "mirror's side",
  'clients',
];
const sheet: Sheet = { title: 'One on its way a client', columns, rows: [...rows, ...puts] };
reportAll('streams', [], {}, [sheet, ...profiles]);

async function ordered(
  meter: CpuMeter,
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
  meter.watch(clients.map(({ process: { pid } }) => pid));
  const profiled = crowd === Math.max(...CROWDS);
  if (profiled) process.kill(world.pid as number, 'SIGUSR2');
  const before = meter.read();
  const { rate, ms } = await crowded(crowd, count, async (i, who) => {
    const client = clients[who] as IntentClient;
    client.send((made[i] as MadeIntent).objects);
    const { outcome } = await client.answer();
    if (KvError.is(outcome)) throw outcome;
  });
  const each = cpuEach(before, meter.read(), count).map((one) => one.toFixed(2));
  const what = keys === 1 ? 'one key' : `${keys} keys`;
  const name = `Stargate, ${what}, ${crowd} writers, ${count}`;
  if (profiled) {
    process.kill(world.pid as number, 'SIGUSR2');
    const { parts, idle } = await partsOf(PROFILE);
    const shares = [...parts, ['idle, of all time', idle] as const].map(([part, share]): [string, string] => [
      part,
      `${round(share)} %`,
    ]);
    profiles.push({ title: `What the Stargate's thread does: ${what}, ${crowd} writers`, columns: ['share'], rows: shares });
  }
  for (const client of clients) client.end();
  await Promise.all(clients.map(({ ended }) => ended));
  return [name, ...figures(rate, ms), ...each];
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
