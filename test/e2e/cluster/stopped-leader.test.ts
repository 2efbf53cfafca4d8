import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { KvError } from '../../../ports/error.js';
import { parseRejection } from '../../../ports/rejection.js';
import { TestEtcd } from '../../support/programs/etcd.js';
import { IntentClient, worldIntents } from '../../support/programs/intent-stream.js';
import { needs } from '../../support/needs/needs.js';
import { ROOT } from '../../support/root.js';
import { World } from '../../support/worlds/world.js';

const TTL_S = 2;
const KEY = '/git-kv/kv.git/leader';

/** A Stargate whose process stands still for longer than its lease lasts, while a stream of intents is open. */
describe('a Stargate that is stopped past its lease', function () {
  this.timeout(120_000);
  let etcd: TestEtcd;
  let world: World;

  before(async function () {
    needs(this, 'etcd');
    etcd = await TestEtcd.start();
    const lock = `leader-lock: { use: lock-etcd, config: { endpoints: ['${etcd.url}'], key: ${KEY}, ttl: ${TTL_S} } }`;
    const embedded = await readFile(join(ROOT, 'apps', 'profiles', 'embedded.yaml'), 'utf8');
    world = await World.create({
      alone: true,
      policy: (text) => text.replace('ledger_mode: linear', 'ledger_mode: sequenced'),
      profile: embedded.replace(/^name: .*/m, 'name: leased').replace('leader-lock: lock-flock', lock),
    });
  });
  after(async () => {
    await world?.close();
    await etcd?.stop();
  });

  const ledger = async (): Promise<string[]> => {
    const format = '--format=%(trailers:key=KV-Txn,valueonly,separator=)';
    return (await world.git(world.repo, 'ada', ['log', format, 'refs/kv/main'])).stdout.trim().split('\n');
  };
  /** How many hold the lock, by etcd's own account: 0 or 1. */
  const holders = async (): Promise<number> => {
    const [key, end] = [KEY, `${KEY}~`].map((text) => Buffer.from(text).toString('base64'));
    const body = JSON.stringify({ key, range_end: end, count_only: true });
    const reply = (await (await fetch(`${etcd.url}/v3/kv/range`, { method: 'POST', body })).json()) as { count?: string };
    return Number(reply.count ?? 0);
  };
  const leads = (): number => world.daemonLog().match(/"event":"leader.won"/g)?.length ?? 0;

  it('orders nothing of what came meanwhile, says that it leads no more, and orders it once when it is asked again', async () => {
    const client = IntentClient.open(world, 'ada');
    const maker = worldIntents(world, (await client.greeting()).repository);
    const [first, second] = [await maker.make('ada', { set: { a: '1' } }), await maker.make('ada', { set: { b: '1' } })];
    client.send(first.objects);
    const { outcome } = await client.answer();
    if (KvError.is(outcome)) throw outcome;
    const pid = world.pid as number;
    process.kill(pid, 'SIGSTOP');
    try {
      client.send(second.objects);
      await world.until('the lease has ended', async () => (await holders()) === 0);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    // What is under way is refused, or the stream ends before; either way with the same reason.
    const frames = [];
    for (let frame = await client.frame(); frame !== undefined; frame = await client.frame()) frames.push(frame);
    expect(frames.at(-1)?.kind).to.equal('E');
    expect(parseRejection(Buffer.from(frames.at(-1)?.payload ?? []).toString())?.code).to.equal('NOT_LEADER');
    expect(frames.filter(({ kind, payload }) => kind === 'A' && Buffer.from(payload).includes('"ok":true'))).to.deep.equal([]);
    expect(await ledger(), 'nothing came of it').to.deep.equal([first.txn]);

    await world.until('it leads again', () => leads() === 2);
    const again = IntentClient.open(world, 'ada');
    await again.greeting();
    for (const { objects } of [first, second, second]) again.send(objects);
    const answers = [];
    for (let i = 0; i < 3; i++) answers.push(await again.answer());
    const ordered = new Map(answers.map(({ id, outcome: one }) => [id, KvError.is(one) ? one : one.commit]));
    expect(ordered.get(0), 'the answer that it had').to.equal(outcome.commit);
    expect(ordered.get(1)).to.equal(ordered.get(2));
    expect(await ledger()).to.deep.equal([second.txn, first.txn]);
    again.end();
    expect(await again.ended).to.equal(0);
  });
});
