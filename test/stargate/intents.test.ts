import { expect } from 'chai';
import { encodeFrame, encodeObjects, type IntentAnswer, parseAnswerLine } from '../../domain/git/wire/intent-frames.js';
import { FAILPOINTS } from '../../domain/gateway/commit/commit-refs.js';
import { KvError } from '../../ports/error.js';
import { parseRejection } from '../../ports/rejection.js';
import { IntentClient, worldIntents } from '../support/programs/intent-stream.js';
import type { IntentMaker, MadeIntent } from '../support/formats/intents.js';
import { until } from '../support/until.js';
import { World } from '../support/worlds/world.js';

const sequenced = (text: string): string => text.replace('ledger_mode: linear', 'ledger_mode: sequenced');

describe('intents, to a Stargate', function () {
  this.timeout(120_000);
  let world: World;
  let maker: IntentMaker;
  let open: IntentClient[];

  before(async () => {
    world = await World.create({ writers: ['ada', 'bob'], readers: ['rex'], strangers: ['eve'], policy: sequenced });
    const first = IntentClient.open(world, 'ada');
    maker = worldIntents(world, (await first.greeting()).repository);
    first.end();
    expect(await first.ended).to.equal(0);
  });
  after(() => world?.close());
  beforeEach(() => {
    open = [];
  });
  afterEach(() => {
    for (const client of open) client.kill();
  });

  const connect = async (person = 'ada'): Promise<IntentClient> => {
    const client = IntentClient.open(world, person);
    open.push(client);
    await client.greeting();
    return client;
  };
  const ledger = async (): Promise<string[]> => {
    const { stdout } = await world.git(world.repo, 'ada', [
      'log',
      '--format=%(trailers:key=KV-Txn,valueonly,separator=)',
      'refs/kv/main',
    ]);
    return stdout.trim().split('\n');
  };

  it('come by a stream, many on one connection, and each is answered', async () => {
    const client = await connect();
    const made = await Promise.all(Array.from({ length: 20 }, (_, i) => maker.make('ada', { set: { [`k${i}`]: `${i}` } })));
    for (const { objects } of made) client.send(objects);
    client.end();
    const answers: IntentAnswer[] = [];
    for (const _ of made) answers.push(await client.answer());
    expect(answers.map(({ id }) => id).sort((a, b) => a - b)).to.deep.equal(made.map((_, i) => i));
    for (const { outcome } of answers) expect(KvError.is(outcome), String(outcome)).to.equal(false);
    expect(await client.frame()).to.equal(undefined);
    expect(await client.ended).to.equal(0);
    expect(await ledger()).to.have.members(made.map(({ txn }) => txn));
    await world.clone('ada');
    const { stdout } = await world.kv('ada', ['get', 'k7']);
    expect(stdout).to.equal('7');
    expect((await world.git(world.repo, 'ada', ['fsck', '--strict', '--no-dangling'])).code).to.equal(0);
  });

  it('come by a push of git, which shows where the ledger has moved', async () => {
    const made = await maker.make('bob', { set: { pushed: 'yes' } });
    const clone = await world.clone('bob');
    for (const { type, body } of [...made.objects].reverse()) {
      const { stdout, stderr } = await world.git(clone, 'bob', ['hash-object', '-w', '-t', type, '--stdin'], {
        input: Buffer.from(body),
      });
      expect(stdout, stderr).to.match(/^[0-9a-f]+\n$/);
    }
    const spec = `${made.oid}:refs/kv-intent/main/${made.txn}`;
    const { code, stderr } = await world.git(clone, 'bob', ['push', world.pushUrl, spec]);
    expect(code, stderr).to.equal(0);
    expect(stderr).to.match(/[0-9a-f]{7,}\.\.[0-9a-f]{7,} +[0-9a-f]+ -> refs\/kv\/main/);
    const answer = stderr.split('\n').flatMap((line) => parseAnswerLine(line) ?? []);
    expect(answer).to.have.length(1);
    const again = await world.git(clone, 'bob', ['push', world.pushUrl, spec]);
    expect(again.code, again.stderr).to.equal(0);
    expect((await ledger()).filter((txn) => txn === made.txn)).to.have.length(1);
    const both = await world.git(clone, 'bob', ['push', world.pushUrl, spec, `${made.oid}:refs/heads/x`]);
    expect(both.stderr).to.contain('a push brings either intents or refs');
    const other = await world.git(clone, 'bob', [
      'push',
      world.pushUrl,
      `${made.oid}:refs/kv-intent/main/01ARZ3NDEKTSV4RRFFQ69G5FAV`,
    ]);
    expect(other.stderr).to.contain('belongs to refs/kv-intent/main/');
  });

  it('are refused one by one: what is wrong with one is nothing to the next', async () => {
    const client = await connect();
    const good = await maker.make('ada', { set: { good: '1' } });
    const bad = await maker.make('ada', { set: { bad: '1' }, signer: 'eve' });
    client.send(bad.objects);
    client.write(encodeFrame('I', Buffer.from('garbage')));
    client.send(good.objects);
    const answers = [await client.answer(), await client.answer(), await client.answer()].sort((a, b) => a.id - b.id);
    expect(answers.map(({ outcome }) => (KvError.is(outcome) ? outcome.code : 'ok'))).to.deep.equal([
      'SIGNER_UNKNOWN',
      'INPUT_INVALID',
      'ok',
    ]);
  });

  it('are taken from nobody who may not write', async () => {
    for (const person of ['rex', 'eve']) {
      const client = IntentClient.open(world, person);
      open.push(client);
      expect(await client.frame(), person).to.equal(undefined);
      expect(await client.ended, person).to.not.equal(0);
    }
  });

  it('end with the reason when a frame is none, too long, or cut off', async () => {
    const whole = encodeFrame('I', encodeObjects((await maker.make('ada', { set: { a: '1' } })).objects));
    const cases = [
      { bytes: Buffer.from([0, 0, 0, 1, 0x7a]), words: 'unknown kind' },
      { bytes: Buffer.from([0x7f, 0xff, 0xff, 0xff]), words: 'a frame of 2147483647 bytes' },
      { bytes: Buffer.from([0, 0, 0, 0, 0]), words: 'a frame of 0 bytes' },
      { bytes: encodeFrame('A', Buffer.from('{}')), words: 'a frame of kind A' },
      { bytes: whole.subarray(0, whole.length - 3), words: 'ends within a frame' },
    ];
    for (const { bytes, words } of cases) {
      const client = await connect();
      client.write(bytes);
      client.end();
      const frame = await client.frame();
      expect(frame?.kind, words).to.equal('E');
      expect(parseRejection(Buffer.from(frame?.payload ?? []).toString())?.message).to.contain(words);
      expect(await client.ended).to.equal(1);
    }
  });

  it('take a policy that is changed at the next one: a linear namespace takes none', async () => {
    const client = await connect();
    const published = async (): Promise<string | undefined> =>
      (await world.git(world.repo, 'ada', ['show', 'refs/kv-policy/current:.kv/policy.yaml'])).stdout;
    const change = async (from: string, to: string): Promise<void> => {
      await world.editPolicy((text) => text.replace(`ledger_mode: ${from}`, `ledger_mode: ${to}`));
      await until('the policy is published', async () => (await published())?.includes(`ledger_mode: ${to}`) === true);
    };
    await change('sequenced', 'linear');
    client.send((await maker.make('ada', { set: { a: '1' } })).objects);
    const { outcome } = await client.answer();
    expect(KvError.is(outcome) ? outcome.details : outcome).to.deep.equal({ ns: 'main', ledger_mode: 'linear' });
    await change('linear', 'sequenced');
  });

  for (const failpoint of FAILPOINTS) {
    it(`are in the ledger once, or not at all and not answered, when the Stargate dies at ${failpoint}`, async () => {
      await world.stop();
      await world.start({ GIT_KV_FAILPOINT: failpoint });
      const client = await connect();
      const made: MadeIntent[] = [];
      for (let i = 0; i < 3; i++) made.push(await maker.make('ada', { set: { [`${failpoint}:${i}`]: 'x' } }));
      for (const { objects } of made) client.send(objects);
      await world.ended();
      await client.ended;
      await world.start();
      const there = await ledger();
      const landed = failpoint === 'after-refs' || failpoint === 'after-done';
      expect(made.some(({ txn }) => there.includes(txn))).to.equal(landed);
      const later = await connect();
      for (const { objects } of made) later.send(objects);
      for (const _ of made) expect(KvError.is((await later.answer()).outcome)).to.equal(false);
      const now = await ledger();
      for (const { txn } of made)
        expect(
          now.filter((one) => one === txn),
          txn,
        ).to.have.length(1);
      expect((await world.git(world.repo, 'ada', ['fsck', '--strict', '--no-dangling'])).code).to.equal(0);
    });
  }
});
