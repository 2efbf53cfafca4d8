import { expect } from 'chai';
import { principal } from '../../../../../domain/access/principal.js';
import { boundedStore } from '../../../../../domain/gateway/accept/bounded-store.js';
import type { NamespacePush } from '../../../../../domain/gateway/accept/ref-rules.js';
import { validateNamespace, validatePush } from '../../../../../domain/gateway/accept/validate-push.js';
import { boundedContext, stateAt, type ValidationContext } from '../../../../../domain/gateway/accept/validation-context.js';
import { formatTime } from '../../../../../domain/ledger/value/metadata.js';
import type { PushedTransaction } from '../../../../../domain/verify/attestation/pairs.js';
import type { ParentState } from '../../../../../domain/verify/check-transaction.js';
import type { Policy } from '../../../../../ports/stargate/policy-reader.js';
import { USUAL_LIMITS } from '../../../../../ports/stargate/limits.js';
import type { Oid } from '../../../../../ports/vocabulary.js';
import { failure } from '../../../../support/failure.js';
import { POLICY } from '../../../../support/formats/keys-bench.js';
import { NOW, SeededRandomness, TestClock } from '../../../../support/memory/memory.js';
import { keyOf, NEW, TransactionBench } from '../../../../support/formats/transaction-bench.js';

const GONE = 'f'.repeat(40);
const OURS = '0123456789abcdef0123456789abcdef';
const THEIRS = 'f'.repeat(32);
const IDS = ['01KDYF0000ABCDEFGHJKMNPQR0', '01KDYF0000ABCDEFGHJKMNPQR1', '01KDYF0000ABCDEFGHJKMNPQR2'];

describe('the new commits of a namespace', () => {
  let bench: TransactionBench;
  beforeEach(() => {
    bench = new TransactionBench();
  });

  const context = (change: Partial<ValidationContext> = {}, policy: Partial<Policy> = {}): ValidationContext => {
    const namespaces = new Map([['main', { ...POLICY, writers: [keyOf('ada')] }]]);
    const { namer, verifier } = bench;
    return {
      ...{ namer, verifier, randomness: new SeededRandomness(), clock: new TestClock(), sampleSize: 1 },
      policy: { namespaces, limits: USUAL_LIMITS, ...policy } as Policy,
      ...change,
    };
  };
  const move = (ref: string, old: Oid | null, next: Oid) => ({ ref, old, next });

  /** Transactions, one on the other. */
  async function line(count: number, repository?: string, signature: string | null = 'ada'): Promise<PushedTransaction[]> {
    const all: PushedTransaction[] = [];
    for (let i = 0; i < count; i++) {
      const last = all.at(-1);
      const making = { signature, txn: IDS[i] ?? '', ...(repository === undefined ? {} : { repository }) };
      all.push(
        await bench.made([bench.set(`k${i}`, 'v')], last === undefined ? NEW : stateOf(last), {
          ...making,
          ...(last === undefined ? {} : { parents: { ledger: last.ledger.oid, index: last.index.oid } }),
        }),
      );
    }
    return all;
  }
  const stateOf = ({ ledger, index, chunks }: PushedTransaction): ParentState => ({
    ...{ ledgerTree: ledger.commit.tree, indexTree: index.commit.tree, chunksTree: chunks?.commit.tree ?? null },
    ...{ epoch: '2026Q1', parentEpoch: null },
  });
  /** The push of what comes after `known` (null: nothing is there) up to `tip`. */
  const pushOf = (
    first: PushedTransaction,
    tip: PushedTransaction,
    known: PushedTransaction | null,
    change: Partial<NamespacePush> = {},
  ): NamespacePush => ({
    ns: 'main',
    ledger: move('refs/kv/main', known?.ledger.oid ?? null, tip.ledger.oid),
    index: move('refs/kv-index/main', known?.index.oid ?? null, tip.index.oid),
    epoch: known === null ? move('refs/kv-epoch/main', null, first.ledger.oid) : null,
    ...{ chunks: null, archive: null },
    ...change,
  });
  const refused = async (push: NamespacePush, code: Parameters<typeof failure>[1], change: Partial<ValidationContext> = {}) =>
    failure(validateNamespace(context(change), push, bench.store), code);

  it('give an event each, in their order', async () => {
    const [a, b, c] = (await line(3)) as [PushedTransaction, PushedTransaction, PushedTransaction];
    const event = (one: PushedTransaction, txn: string) => ({
      ...{ v: 1, ns: 'main', epoch: '2026Q1', oid: one.ledger.oid, txn, received: formatTime(NOW), signer: 'ada' },
      ...{ set: 1, del: 0, parentEpoch: null },
    });
    const [x = '', y = '', z = ''] = IDS;
    const first = await validateNamespace(context(), pushOf(a, a, null), bench.store);
    expect(first).to.deep.equal([event(a, x)]);
    expect(await validateNamespace(context(), pushOf(a, c, null), bench.store)).to.deep.equal([
      event(a, x),
      event(b, y),
      event(c, z),
    ]);
    expect(await validateNamespace(context(), pushOf(a, c, a), bench.store)).to.deep.equal([event(b, y), event(c, z)]);
  });

  it('are some, and no more than come at once', async () => {
    const [a, , c] = (await line(3)) as [PushedTransaction, PushedTransaction, PushedTransaction];
    expect((await refused(pushOf(a, a, a), 'REF_FORBIDDEN')).message).to.contain('without a new commit');
    await refused(pushOf(a, c, null), 'REF_FORBIDDEN', { maxChain: 2 });
    expect((await validateNamespace(context({ maxChain: 3 }), pushOf(a, c, null), bench.store)).length).to.equal(3);
    const limits = { ...USUAL_LIMITS, transactions: 2 };
    const two = (push: NamespacePush) => validateNamespace(context({}, { limits }), push, bench.store);
    await failure(two(pushOf(a, c, null)), 'REF_FORBIDDEN');
    expect((await two(pushOf(a, c, a))).length).to.equal(2);
  });

  it('begin where the epoch ref says', async () => {
    const [a, b] = (await line(2)) as [PushedTransaction, PushedTransaction];
    const at = (old: Oid | null, next: Oid) => pushOf(a, b, null, { epoch: move('refs/kv-epoch/main', old, next) });
    await refused(at(null, b.ledger.oid), 'ATTESTATION_MISMATCH');
    await refused(at(GONE, a.ledger.oid), 'ATTESTATION_MISMATCH');
    expect((await validateNamespace(context(), at(null, a.ledger.oid), bench.store)).length).to.equal(2);
  });

  it('bring chunks of the current epoch', async () => {
    const first = await bench.made([await bench.setChunked('big', ['0123456789', 'abc'])], NEW, { txn: IDS[0] ?? '' });
    const chunksOf = (epoch: string, next: Oid, old: Oid | null = null) => ({
      chunks: { ...move(`refs/kv-chunks/main@${epoch}`, old, next), epoch },
    });
    const oid = first.chunks?.oid ?? '';
    const begin = (epoch: string) => pushOf(first, first, null, chunksOf(epoch, oid));
    expect((await validateNamespace(context(), begin('2026Q1'), bench.store)).length).to.equal(1);
    await refused(begin('2026Q2'), 'ATTESTATION_MISMATCH');
    await bench.store.updateRefs([move('refs/kv-chunks/main@2026Q1', null, oid)], 'test');
    const parents = { ledger: first.ledger.oid, index: first.index.oid, chunks: oid };
    const next = await bench.made([await bench.setChunked('more', ['xyz'])], stateOf(first), { txn: IDS[1] ?? '', parents });
    const on = (epoch: string) => pushOf(first, next, first, chunksOf(epoch, next.chunks?.oid ?? '', oid));
    expect((await validateNamespace(context(), on('2026Q1'), bench.store)).length).to.equal(1);
    await refused(on('2026Q2'), 'ATTESTATION_MISMATCH');
  });

  it('are for this repository, but for what its own signer begins a ledger with', async () => {
    const rule = { id: OURS, required: true };
    const [unnamed, ours, theirs] = [await line(2), await line(2, OURS), await line(1, THEIRS)];
    const [a, b] = unnamed as [PushedTransaction, PushedTransaction];
    const judge = (push: NamespacePush, pusher: string, change: Partial<ValidationContext> = {}) =>
      validateNamespace(context({ repository: rule, pusher, ...change }), push, bench.store).then(
        () => 'taken',
        ({ code }: { code: string }) => code,
      );
    expect(await judge(pushOf(a, b, null), 'ada')).to.equal('taken');
    expect(await judge(pushOf(a, b, null), 'bob')).to.equal('POLICY_VIOLATION');
    expect(await judge(pushOf(a, b, a), 'ada')).to.equal('POLICY_VIOLATION');
    expect(await judge(pushOf(a, b, a), 'ada', { repository: { ...rule, required: false } })).to.equal('taken');
    const [x, y] = ours as [PushedTransaction, PushedTransaction];
    for (const known of [null, x]) expect(await judge(pushOf(x, y, known), 'bob')).to.equal('taken');
    const [z] = theirs as [PushedTransaction];
    for (const pusher of ['ada', 'bob']) expect(await judge(pushOf(z, z, null), pusher)).to.equal('POLICY_VIOLATION');
    // What nobody signed is nobody's.
    const [u] = (await line(1, undefined, null)) as [PushedTransaction];
    const namespaces = new Map([['main', { ...POLICY, requireSignedCommits: false }]]);
    const lax = { policy: { namespaces, limits: USUAL_LIMITS } as unknown as Policy };
    expect(await judge(pushOf(u, u, null), 'bob', lax)).to.equal('taken');
    expect((await validateNamespace(context({ pusher: 'bob' }), pushOf(a, b, null), bench.store)).length).to.equal(2);
  });

  it('are of a namespace that the policy names, and makes in this way', async () => {
    const [a] = (await line(1)) as [PushedTransaction];
    const push = pushOf(a, a, null);
    const none = context({}, { namespaces: new Map() });
    await failure(validateNamespace(none, push, bench.store), 'POLICY_VIOLATION');
    const commands = [push.ledger, push.index, push.epoch].flatMap((command) => command ?? []);
    const request = { pusher: principal('ada', 'writer'), atomic: true, commands };
    expect((await validatePush(context(), request, bench.store)).length).to.equal(1);
    const sequenced = new Map([['main', { ...POLICY, ledgerMode: 'sequenced' as const, writers: [keyOf('ada')] }]]);
    const wrong = await failure(validatePush(context({}, { namespaces: sequenced }), request, bench.store), 'POLICY_VIOLATION');
    expect(wrong.details).to.deep.equal({ ns: 'main', ledger_mode: 'sequenced' });
    // Whoever pushes is held against the signer.
    const rule = { repository: { id: OURS, required: true } };
    expect((await validatePush(context(rule), request, bench.store)).length).to.equal(1);
    const other = { ...request, pusher: principal('bob', 'writer') };
    await failure(validatePush(context(rule), other, bench.store), 'POLICY_VIOLATION');
  });

  it('stand on a state that the tips say', async () => {
    const first = await bench.made([await bench.setChunked('big', ['abc'])]);
    const { ledger, index, chunks } = first;
    const at = () => stateAt(bench.store, 'main', ledger.oid, index.oid);
    expect(await at()).to.deep.equal({ ...stateOf(first), chunksTree: null });
    await bench.store.updateRefs([move('refs/kv-chunks/main@2026Q1', null, chunks?.oid ?? '')], 'test');
    expect(await at()).to.deep.equal(stateOf(first));
    for (const [l, i] of [
      [null, index.oid],
      [ledger.oid, null],
    ])
      expect(await stateAt(bench.store, 'main', l ?? null, i ?? null)).to.deep.equal(NEW);
    await failure(stateAt(bench.store, 'main', GONE, index.oid), 'CAS_CONFLICT');
    await failure(stateAt(bench.store, 'main', ledger.oid, GONE), 'CAS_CONFLICT');
  });
});

describe('what checking a push reads', () => {
  const most = { commit: 400, tree: 100, blob: 10, tag: 10 };

  it('is no object larger than its type may be, and is charged as it is held', async () => {
    const bench = new TransactionBench();
    const charged: [string, number][] = [];
    const { rules, read } = bench.noted();
    const store = boundedStore(rules.store, most, { charge: (what, bytes) => void charged.push([what, bytes]) });
    const [a, b] = [await bench.blob('a'), await bench.blob('0123456789')];
    const commit = await bench.commit('m\n');
    const [{ size = 0 } = {}] = (await bench.store.headers([commit])) as { size: number }[];
    expect((await store.read([a, GONE, b, commit])).map((object) => object?.oid)).to.deep.equal([a, undefined, b, commit]);
    expect(charged.splice(0)).to.deep.equal([
      ['commits', 3 * size],
      ['request 0', 11],
    ]);
    await store.read([commit]);
    await store.read([b]);
    expect(charged.splice(0)).to.deep.equal([
      ['commits', 6 * size],
      ['request 1', 0],
      ['commits', 6 * size],
      ['request 0', 10],
    ]);
    read.length = 0;
    const large = await bench.blob('0123456789a');
    const error = await failure(store.read([a, large]), 'POLICY_VIOLATION');
    expect([error.advice, read, charged]).to.deep.equal([{ id: 'write-less' }, [], []]);
    expect(error.message).to.contain(`blob ${large} has 11 bytes, more than the 10 `);
    expect(store.objectFormat).to.equal('sha1');
    expect((await store.headers([a]))[0]?.size).to.equal(1);
  });

  it('has bounds whose memory is charged to the push’s share, and lets others have their turn', async () => {
    const slept: number[] = [];
    const charged: [string, number][] = [];
    const clock = { now: () => NOW, sleep: async (ms: number) => void slept.push(ms) };
    const given = { clock, pusher: 'ada' } as unknown as ValidationContext;
    const share = { charge: (what: string, bytes: number) => void charged.push([what, bytes]) };
    const limits = { treeEntries: 7, manifestBytes: 8 } as unknown as Parameters<typeof boundedContext>[1];
    const { bounds, ...rest } = boundedContext(given, limits, share as unknown as Parameters<typeof boundedContext>[2]);
    await bounds?.charge?.('x', 3);
    await bounds?.pause?.();
    expect([bounds?.treeEntries, bounds?.manifestBytes, charged, slept]).to.deep.equal([7, 8, [['x', 3]], [0]]);
    expect(rest).to.deep.equal(given);
  });
});
