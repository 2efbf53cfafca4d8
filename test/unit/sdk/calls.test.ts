import { expect } from 'chai';
import { type Clone, openClone, openStargate, type Operation } from '../../../apps/sdk/index.js';
import { all } from '../../support/all.js';
import { failure } from '../../support/failure.js';
import { MemoryGateway } from '../../support/memory/gateway.js';
import { countingFetches, openMemoryClone } from '../../support/memory/sdk.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const sequenced = (text: string): string => text.replace('ledger_mode: linear', 'ledger_mode: sequenced');
const textOf = async (body: AsyncIterable<Uint8Array>): Promise<string> => Buffer.concat(await all(body)).toString();

describe('the SDK', () => {
  let gateway: MemoryGateway;
  let ada: Clone;
  let bob: Clone;
  beforeEach(async () => {
    gateway = await MemoryGateway.start({ format: 'sha1', writers: ['ada', 'bob'] });
    [ada, bob] = await Promise.all([openMemoryClone(gateway, 'ada'), openMemoryClone(gateway, 'bob')]);
  });
  afterEach(async () => {
    for (const clone of [ada, bob]) await clone.close();
    await gateway.close();
  });

  it('sets and gets: bytes, text and JSON, with what is known of them', async () => {
    const receipt = await ada.set('cfg:a', '{"n":1}', { ctype: 'application/json', ttl: 3_600_000 });
    expect(receipt).to.include({ landed: 'stargate', visible: null, bytes: 7 });
    expect((await ada.wait(receipt.commit as string)).oid).to.equal(receipt.commit);
    const entry = await bob.get('cfg:a');
    expect(entry).to.include({ key: 'cfg:a', size: 7, ctype: 'application/json', expired: false, createdBy: 'ada@example.org' });
    expect(entry).to.include({ commit: receipt.commit, tree: receipt.tree, txn: receipt.txn, epoch: receipt.epoch });
    expect(Date.parse(entry.ttl ?? '')).to.be.within(Date.now(), Date.now() + 3_600_000);
    expect([entry.text(), entry.json(), entry.value]).to.deep.equal(['{"n":1}', { n: 1 }, bytes('{"n":1}')]);
    expect((await ada.set('cfg:a', 'x')).lostTtl).to.deep.equal(['cfg:a']);
    expect((await ada.set('cfg:a', 'y', { wait: true })).visible?.oid).to.be.a('string');
    await failure(bob.get('cfg:b'), 'NOT_FOUND');
    await failure(bob.get(''), 'KEY_INVALID');
  });

  it('reads and writes streams, of which a large one is cut into chunks', async () => {
    const text = 'a long value '.repeat(9000);
    let closed = false;
    const pieces = function* (): Generator<Uint8Array> {
      try {
        for (let at = 0; at < text.length; at += 1000) yield bytes(text.slice(at, at + 1000));
      } finally {
        closed = true;
      }
    };
    const { chunked } = await ada.setStream('big', pieces(), { maxInline: 1024, wait: true });
    expect(chunked.map(({ key, size }) => [key, size])).to.deep.equal([['big', text.length]]);
    const { body, size } = await bob.getStream('big');
    expect([size, await textOf(body), closed]).to.deep.equal([text.length, text, true]);
    expect((await bob.get('big')).text()).to.equal(text);
    expect(await textOf((await bob.getStream('big')).body)).to.equal(text);
  });

  it('writes all of a transaction or none, deletes, and sets on conditions', async () => {
    const operations: Operation[] = [
      { op: 'set', key: 'a', value: '1' },
      { op: 'set', key: 'b', value: [bytes('2')] },
      { op: 'del', key: 'none' },
    ];
    const { tree, unchanged } = await ada.transact(operations, { message: 'two keys' });
    expect(unchanged).to.deep.equal(['none']);
    const { oid } = await ada.get('a', { readFrom: 'stargate' });
    expect((await failure(bob.transact(operations, { expect: { a: null } }), 'CAS_CONFLICT')).details).to.include({ blob: oid });
    await failure(bob.del(['a', 'none']), 'NOT_FOUND');
    expect((await bob.cas('a', '2', { expect: oid })).set).to.deep.equal(['a']);
    await failure(ada.cas('a', '3', { expect: oid }), 'CAS_CONFLICT');
    await failure(ada.cas('new', '3', { expectTree: tree as string }), 'CAS_CONFLICT');
    expect((await bob.del('b', { dryRun: true })).del).to.deep.equal(['b']);
    expect((await bob.del(['a', 'b'])).del).to.have.members(['a', 'b']);
    expect((await bob.cas('a', '4', { expect: null })).set).to.deep.equal(['a']);
  });

  it('lists, and holds a state fast while others write', async () => {
    await ada.transact(['a:1', 'a:2', 'a:3', 'b:1'].map((key) => ({ op: 'set', key, value: key })));
    const keys = async (listing: AsyncIterable<{ key: string }>) => (await all(listing)).map(({ key }) => key);
    const from = { readFrom: 'stargate' } as const;
    expect(await keys(bob.list({ prefix: 'a:', after: 'a:1', limit: 1, ...from }))).to.deep.equal(['a:2']);
    const [first] = await all(bob.list({ detail: true, ...from }));
    expect(first?.detail).to.include({ size: 3, createdBy: 'ada@example.org' });
    const before = await bob.at(undefined, from);
    await ada.transact([
      { op: 'set', key: 'a:1', value: 'new' },
      { op: 'del', key: 'b:1' },
    ]);
    expect((await bob.get('a:1', from)).text()).to.equal('new');
    expect((await before.get('a:1')).text()).to.equal('a:1');
    expect(await textOf((await before.getStream('b:1')).body)).to.equal('b:1');
    expect(await keys(before.list())).to.have.members(['a:1', 'a:2', 'a:3', 'b:1']);
    expect(before.by).to.equal('now');
    const again = await bob.at(before.commit, from);
    expect([again.by, again.tree]).to.deep.equal(['oid', before.tree]);
    expect((await bob.get('b:1', { at: before.commit, ...from })).text()).to.equal('b:1');
    await failure(bob.at('no such state', from), 'USAGE');
  });

  it('tells of the past: history, differences, blame', async () => {
    const one = await ada.set('k', '1', { message: 'the first' });
    const two = await bob.set('k', '22');
    const from = { readFrom: 'stargate' } as const;
    const history = await all(bob.history('k', from));
    expect(history.map(({ commit, by, source, size }) => [commit, by, source, size])).to.deep.equal([
      [two.commit, 'bob', 'signature', 2],
      [one.commit, 'ada', 'signature', 1],
    ]);
    expect(history[1]?.subject).to.equal('the first');
    const { changes, from: before, to } = await bob.diff(one.commit as string, undefined, from);
    expect([before.commit, to.commit]).to.deep.equal([one.commit, two.commit]);
    expect(changes.map(({ key, change, after }) => [key, change, after?.size])).to.deep.equal([['k', 'changed', 2]]);
    expect((await all(bob.blame({ commits: true, ...from }))).map(({ key, by, commit }) => [key, by, commit])).to.deep.equal([
      ['k', 'bob', two.commit],
    ]);
    expect((await all(bob.blame({ claims: true, ...from })))[0]?.source).to.equal('claim');
  });

  it('exports and verifies', async () => {
    await ada.transact([{ op: 'set', key: 'a', value: '1' }]);
    const snapshot = ada.snapshot({ readFrom: 'stargate' });
    expect(snapshot.summary).to.equal(null);
    expect(await textOf(snapshot)).to.contain('"key":"a"');
    expect(snapshot.summary).to.include({ keys: 1, ns: 'main' });
    const report = await ada.verify({ full: true });
    expect([report.faults, report.epochs.map(({ keys }) => keys)]).to.deep.equal([[], [1]]);
    await failure(ada.verify({ ns: 'other' }), 'NOT_FOUND');
  });

  it('asks the other side no more often than maxAge says, and sees what this clone writes at once', async () => {
    let fetches = 0;
    const quick = await openMemoryClone(gateway, 'bob', { readFrom: 'stargate', maxAge: 60_000 }, (clone) =>
      countingFetches(clone, () => fetches++),
    );
    await ada.set('k', '1');
    expect((await quick.get('k')).text()).to.equal('1');
    const begun = fetches;
    await ada.set('k', '2');
    expect((await quick.get('k')).text()).to.equal('1');
    expect(fetches).to.equal(begun);
    expect((await quick.get('k', { maxAge: 0 })).text()).to.equal('2');
    await quick.set('k', '3');
    expect((await quick.get('k', { maxAge: Number.POSITIVE_INFINITY })).text()).to.equal('3');
    await quick.close();
  });

  it('writes a sequenced namespace by intents, and reads what it wrote', async () => {
    for (const one of [ada, bob]) await one.close();
    await gateway.close();
    gateway = await MemoryGateway.start({ format: 'sha1', writers: ['ada', 'bob'], policy: sequenced });
    [ada, bob] = await Promise.all([openMemoryClone(gateway, 'ada'), openMemoryClone(gateway, 'bob')]);
    const receipts = await Promise.all([ada, bob, ada, bob].map((one, i) => one.set(`k:${i}`, `${i}`)));
    expect(new Set(receipts.map(({ commit }) => commit)).size).to.equal(4);
    expect((await ada.get('k:2', { maxAge: 60_000 })).text()).to.equal('2');
    const { oid } = await bob.get('k:1', { readFrom: 'stargate' });
    await failure(bob.cas('k:1', 'x', { expect: oid.replace(/./g, '0') }), 'CAS_CONFLICT');
    const late = new AbortController();
    const writing = failure(bob.set('k:1', 'late', { signal: late.signal }), 'INTERRUPTED');
    late.abort();
    await writing;
  });

  it('refuses options that cannot be meant', async () => {
    await failure(openClone(undefined as never), 'USAGE');
    await failure(openStargate(null as never), 'USAGE');
    await failure(ada.cas('a', '1', undefined as never), 'USAGE');
    const wrongs: (() => Promise<unknown>)[] = [
      () => ada.get('k', { maxAge: -1 }),
      () => ada.get('k', { ns: 'No Namespace' }),
      () => ada.get('k', { readFrom: 'moon' as 'mirror' }),
      () => ada.get('k', { at: 7 as unknown as string }),
      () => ada.get(7 as unknown as string),
      () => ada.set('k', 7 as unknown as string),
      () => ada.set('k', '\ud800'),
      () => ada.set('k', 'v', { ttl: 0 }),
      () => ada.set('k', 'v', { expiresAt: new Date(0) }),
      () => ada.set('k', 'v', { ttl: 5, keepTtl: true }),
      () => ada.set('k', 'v', { message: 'KV-Txn: mine' }),
      () => ada.set('k', 'v', { maxInline: -1 }),
      () => ada.set('k', 'v', { expectTree: 'abc' }),
      () => ada.set('k', 'v', { timeout: 0 }),
      () => ada.setStream('k', 'text' as never),
      () => ada.setStream('k', ['text'] as never),
      () => ada.cas('k', 'v', {}),
      () => ada.transact([{ op: 'put', key: 'k' } as never]),
      () => ada.wait('HEAD'),
      () => all(ada.list({ limit: 0 })),
      () => all(ada.watch({ since: 'yesterday', once: true })),
    ];
    for (const wrong of wrongs) await failure(wrong(), 'USAGE');
    expect((await gateway.refs()).has('refs/kv/main')).to.equal(false);
  });
});
