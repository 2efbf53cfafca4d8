import { expect } from 'chai';
import type { Metadata } from '../../../../../domain/ledger/value/metadata.js';
import { inBatches, readBlobs } from '../../../../../domain/verify/blobs.js';
import type { RuleContext } from '../../../../../domain/verify/fault.js';
import type { KeyChange } from '../../../../../domain/verify/keys/ledger-changes.js';
import { checkMetas } from '../../../../../domain/verify/keys/metas.js';
import { checkAllValues, checkValues, VALUES_BATCH } from '../../../../../domain/verify/keys/values.js';
import { namespacePolicy, requireMode } from '../../../../../domain/verify/policy-rules.js';
import { sample } from '../../../../../domain/verify/sample.js';
import { KvError } from '../../../../../ports/error.js';
import type { NamespacePolicy, Policy } from '../../../../../ports/stargate/policy-reader.js';
import type { Oid } from '../../../../../ports/vocabulary.js';
import type { Told } from '../../../../support/formats/rules.js';
import { digestOf, KeysBench, POLICY, TXN } from '../../../../support/formats/keys-bench.js';

const EXPIRES = '2026-01-02T03:04:05.678Z';
const GONE = 'f'.repeat(40);
const LFS = 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n';
const mismatch = (key: string, object?: Oid): Told => ({
  code: 'ATTESTATION_MISMATCH',
  subject: { key, ...(object === undefined ? {} : { object }) },
});

describe('the values of changed keys', () => {
  let bench: KeysBench;
  beforeEach(() => {
    bench = new KeysBench();
  });

  type Request = Parameters<typeof checkValues>[1];
  const request = (change: Partial<Request> = {}): Request => ({
    ...{ policy: null, txn: TXN, sizesFirst: true, digests: 'all', content: false },
    findChunks: async () => new Map(),
    ...change,
  });
  const check = (changes: readonly KeyChange[], change: Partial<Request> = {}, rules: RuleContext = bench.rules) =>
    checkValues(rules, request(change), changes);
  const wrong = async (changes: readonly KeyChange[], change: Partial<Request> = {}): Promise<Told[]> => {
    await check(changes, change);
    return bench.told();
  };

  it('give the pointer that the index must have, and how much was read', async () => {
    const a = await bench.inline('a', 'one', { ttl: EXPIRES, ctype: 'text/html' });
    const found = await check([a, { key: 'gone', op: 'del' }]);
    expect(bench.told()).to.deep.equal([]);
    expect([...found.pointers.values()]).to.deep.equal([
      { key: 'a', type: 'inline', ledgerBlob: a.data, manifestBlob: null, size: 3, ctype: 'text/html', ttl: EXPIRES },
      { key: 'gone', type: 'deleted', ledgerBlob: null, manifestBlob: null, size: 0, ctype: null, ttl: null },
    ]);
    expect([found.values, found.bytes]).to.deep.equal([1, 3]);
    expect(await check([a], { digests: new Set() })).to.deep.include({ values: 0, bytes: 0 });
    const both = await check([a, await bench.inline('b', 'four')], { digests: new Set(['b']) });
    expect([both.values, both.bytes]).to.deep.equal([1, 4]);
  });

  it('of a chunked value too', async () => {
    const big = await bench.chunked('big', ['0123456789', 'abc']);
    const findChunks = async () =>
      new Map(await Promise.all(['0123456789', 'abc'].map(async (body) => [digestOf(body), await bench.blob(body)] as const)));
    const found = await check([big, await bench.inline('a', 'one')], { findChunks, content: true });
    expect(bench.told()).to.deep.equal([]);
    expect(found.pointers.get('big')).to.deep.include({
      type: 'chunked',
      ledgerBlob: null,
      manifestBlob: big.manifest,
      size: 13,
    });
    expect([found.values, found.bytes]).to.deep.equal([2, 16]);
    expect(await check([big], { findChunks })).to.deep.include({ values: 0, bytes: 0 });
  });

  it('must be there, as blobs', async () => {
    const a = await bench.inline('a', 'one');
    const tree = await bench.tree({ x: 'y' });
    for (const oid of [GONE, tree]) {
      const changes: KeyChange[] = [{ ...a, data: oid }, await bench.inline('b', 'two')];
      const { pointers } = await check(changes);
      expect(bench.told()).to.deep.equal([mismatch('a', oid)]);
      expect([pointers.get('a'), pointers.get('b')?.size]).to.deep.equal([null, 3]);
      await check([{ ...a, meta: oid }]);
      expect(bench.told()).to.deep.equal([mismatch('a', oid)]);
    }
    bench.store.forget([a.data]);
    expect(await wrong([a])).to.deep.equal([mismatch('a', a.data)]);
    expect((await check([{ ...a, meta: GONE }])).pointers.get('a')).to.equal(null);
  });

  it('must be what their ETags say, where they are read', async () => {
    const changes = [await bench.inline('a', 'one', { etag: `blake3:${'0'.repeat(64)}` }), await bench.inline('b', 'two')];
    expect(await wrong(changes)).to.deep.equal([mismatch('a')]);
    expect(await wrong(changes, { digests: new Set(['a']) })).to.deep.equal([mismatch('a')]);
    expect(await wrong(changes, { digests: new Set(['b']) })).to.deep.equal([]);
    expect(await wrong(changes, { digests: new Set(['b']), policy: { ...POLICY, forbidLfs: true } })).to.deep.equal([]);
  });

  it('keep to the policy, but not where history is taken as it is', async () => {
    const violation = (key: string, facts?: Told['facts']): Told => ({
      ...{ code: 'POLICY_VIOLATION', subject: { key } },
      ...(facts === undefined ? {} : { facts }),
    });
    const policy: NamespacePolicy = {
      ...POLICY,
      allowedPrefixes: ['cfg:'],
      forbidLfs: true,
      maxValueInline: 100,
      retention: { ...POLICY.retention, ttlDefault: 1 },
    };
    const long = await bench.inline('cfg:long', 'x'.repeat(101), { ttl: EXPIRES });
    const cases: [KeyChange, Told[]][] = [
      [await bench.inline('tmp', 'x', { ttl: EXPIRES }), [violation('tmp')]],
      [{ key: 'tmp', op: 'del' }, []],
      [await bench.inline('cfg:a', 'x'), [{ ...violation('cfg:a'), advice: { id: 'fetch-policy' } }]],
      [long, [violation('cfg:long', { size: 101, limit: 100 }), violation('cfg:long', { size: 101, limit: 100 })]],
      [await bench.inline('cfg:lfs', LFS, { ttl: EXPIRES }), [{ ...violation('cfg:lfs'), advice: { id: 'store-file' } }]],
    ];
    for (const [change, told] of cases) {
      expect(await wrong([change], { policy }), change.key).to.deep.equal(told);
      expect(await wrong([change], { policy, digests: new Set() }), change.key).to.deep.equal(told);
      expect(await wrong([change]), change.key).to.deep.equal([]);
    }
  });

  it('are read for LFS only when they are as small as a pointer to it', async () => {
    const { rules, read } = bench.noted();
    const policy = { ...POLICY, maxValueInline: 2000, maxValueTotal: 2000 };
    const look = async (size: number, change: Partial<Request>): Promise<number> => {
      read.length = 0;
      await check([await bench.inline('a', 'x'.repeat(size))], { digests: new Set(), ...change }, rules);
      return read.flat().length;
    };
    expect(await look(1023, { policy })).to.equal(2); // and its metadata
    expect(await look(1024, { policy })).to.equal(1);
    expect(await look(10, {})).to.equal(1);
    expect(await look(10, { digests: 'all' })).to.equal(2);
  });

  it('are checked some at a time, and all of them', async () => {
    const one = await bench.inline('a', 'one');
    const many = Array.from({ length: VALUES_BATCH + 1 }, (_, i): KeyChange => ({ ...one, key: `k${i}` }));
    const { rules, headers } = bench.noted();
    const pointers = await checkAllValues(rules, request(), many);
    expect(pointers.size).to.equal(many.length);
    expect(pointers.get(`k${VALUES_BATCH}`)?.size).to.equal(3);
    expect(headers.map((oids) => oids.length)).to.deep.equal([VALUES_BATCH, VALUES_BATCH, 1, 1]);
  });

  it('end with what the store throws', async () => {
    const error = new KvError('GIT_ERROR', 'the store is gone');
    const store = Object.assign(Object.create(bench.store), {
      headers: async () => {
        throw error;
      },
    });
    const a = await bench.inline('a', 'one');
    const thrown = await check([a], { sizesFirst: false }, { ...bench.rules, store }).catch((caught: unknown) => caught);
    expect(thrown).to.equal(error);
  });
});

describe('the metadata of changed keys', () => {
  let bench: KeysBench;
  beforeEach(() => {
    bench = new KeysBench();
  });
  const check = async (
    changes: Awaited<ReturnType<KeysBench['inline']>>[],
    change: Partial<Parameters<typeof checkMetas>[1]> = {},
  ) => {
    const metas = await checkMetas(bench.rules, { policy: null, txn: TXN, sizesFirst: true, ...change }, changes);
    return { metas: Object.fromEntries(metas) as Record<string, Metadata>, told: bench.told() };
  };

  it('names the transaction, where it is of one', async () => {
    const a = await bench.inline('a', 'one', { txn: '01KDYF0000ABCDEFGHJKMNPQRT' });
    expect((await check([a])).told).to.deep.equal([mismatch('a')]);
    expect(Object.keys((await check([a])).metas)).to.deep.equal(['a']);
    expect((await check([a], { txn: null })).told).to.deep.equal([]);
    expect((await check([await bench.inline('b', 'one')])).metas['b']).to.deep.equal(bench.meta('one'));
  });

  it('that can’t be read is told, and left out', async () => {
    const b = await bench.inline('b', 'two');
    const rubbish = { ...(await bench.inline('a', 'one')), meta: await bench.blob('rubbish') };
    const { metas, told } = await check([rubbish, b]);
    expect(Object.keys(metas)).to.deep.equal(['b']);
    expect(told.map(({ code, subject }) => ({ code, subject }))).to.deep.equal([mismatch('a')]);
    const gone = await check([{ ...b, meta: GONE }, b]);
    expect([Object.keys(gone.metas), gone.told]).to.deep.equal([['b'], [mismatch('b', GONE)]]);
  });

  it('is not read when it is too long, whether sizes are asked for first or not', async () => {
    const b = await bench.inline('b', 'two');
    const long = { ...(await bench.inline('a', 'one')), meta: await bench.blob('x'.repeat(4097)) };
    const most = { ...long, meta: await bench.blob('x'.repeat(4096)) };
    for (const sizesFirst of [true, false]) {
      const { metas, told } = await check([long, b], { sizesFirst });
      expect([Object.keys(metas), told]).to.deep.equal([['b'], [mismatch('a')]]);
      expect((await check([most], { sizesFirst })).told.map(({ advice }) => advice)).to.deep.equal([
        { id: 'write-through-client' },
      ]);
    }
    const { rules, read } = bench.noted();
    await checkMetas(rules, { policy: null, txn: null, sizesFirst: true }, [long, b]);
    expect(read).to.deep.equal([[b.meta]]);
  });
});

describe('reading blobs', () => {
  it('gives each body in its place, null for what is none', async () => {
    const bench = new KeysBench();
    const [a, tree] = [await bench.blob('a'), await bench.tree({ x: 'y' })];
    const bodies = await readBlobs(bench.rules, [{ oid: GONE }, { oid: a }, { oid: tree }], ({ oid }) => ({
      ...{ code: 'GIT_ERROR', message: '' },
      subject: { object: oid },
    }));
    expect(bodies.map((body) => (body === null ? null : Buffer.from(body).toString()))).to.deep.equal([null, 'a', null]);
    expect(bench.told().map(({ subject }) => subject.object)).to.deep.equal([GONE, tree]);
  });

  it('takes as many at a time as memory is for, and one that is larger by itself', () => {
    const MIB = 1024 * 1024;
    const batches = (...sizes: number[]) =>
      [...inBatches(sizes.map((size) => ({ size })))].map((batch) => batch.map(({ size }) => size / MIB));
    expect(batches()).to.deep.equal([]);
    expect(batches(4 * MIB)).to.deep.equal([[4]]);
    expect(batches(3 * MIB, MIB, MIB)).to.deep.equal([[3, 1], [1]]);
    expect(batches(MIB, 5 * MIB, 2 * MIB, 2 * MIB, MIB)).to.deep.equal([[1], [5], [2, 2], [1]]);
  });

  it('takes a sample, each item as likely as any other', () => {
    const asked: number[] = [];
    const randomness = (numbers: readonly number[]) => ({
      bytes: (count: number) => {
        asked.push(count);
        const bytes = new Uint8Array(count + 3).subarray(3); // a part of a larger buffer
        for (const [i, number] of numbers.entries()) new DataView(bytes.buffer, 3).setUint32(i * 4, number);
        return bytes;
      },
    });
    const items = ['a', 'b', 'c', 'd'];
    expect(sample(items, 2, randomness([0, 0]))).to.deep.equal(['a', 'b']);
    expect(sample(items, 2, randomness([3, 2]))).to.deep.equal(['d', 'a']);
    expect(sample(items, 3, randomness([4, 4, 4]))).to.deep.equal(['a', 'c', 'b']);
    expect(sample(items, 4, randomness([1, 1, 1, 1]))).to.deep.equal(['b', 'c', 'd', 'a']);
    expect(sample(items, 9, randomness([0, 0, 0, 0]))).to.deep.equal(items);
    expect(sample(items, 0, randomness([]))).to.deep.equal([]);
    expect(asked).to.deep.equal([8, 8, 12, 16, 16, 0]);
    expect(items).to.deep.equal(['a', 'b', 'c', 'd']);
  });
});

describe('what the policy says of a namespace', () => {
  it('is told with the namespaces that there are', () => {
    const of = (...names: string[]) => ({ namespaces: new Map(names.map((name) => [name, POLICY])) }) as unknown as Policy;
    expect(() => namespacePolicy(of(), 'x'))
      .to.throw(KvError)
      .with.property('hint')
      .that.contains(': none;');
    expect(() => namespacePolicy(of('a', 'b'), 'x'))
      .to.throw(KvError)
      .with.property('hint')
      .that.contains(': a, b;');
  });

  it('wants ledgers made in one way, and says in which', () => {
    const refused = (ledgerMode: NamespacePolicy['ledgerMode'], mode: NamespacePolicy['ledgerMode']) => {
      try {
        requireMode({ ...POLICY, ledgerMode }, 'main', mode);
        return null;
      } catch (error) {
        if (!KvError.is(error)) throw error;
        const { code, details, message, hint } = error;
        expect(message).to.contain(`(ledger_mode: ${ledgerMode})`);
        return { code, details, hint };
      }
    };
    expect(refused('linear', 'linear')).to.equal(null);
    expect(refused('sequenced', 'sequenced')).to.equal(null);
    const [toSequenced, toLinear] = [refused('sequenced', 'linear'), refused('linear', 'sequenced')];
    expect(toSequenced).to.deep.include({ code: 'POLICY_VIOLATION', details: { ns: 'main', ledger_mode: 'sequenced' } });
    expect(toLinear).to.deep.include({ code: 'POLICY_VIOLATION', details: { ns: 'main', ledger_mode: 'linear' } });
    expect(toSequenced?.hint).to.not.equal(toLinear?.hint);
  });
});
