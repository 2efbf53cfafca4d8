import { expect } from 'chai';
import { pathsOf, placeOf } from '../../../../domain/ledger/paths.js';
import { encodePointer } from '../../../../domain/ledger/value/pointer.js';
import type { PushedTransaction } from '../../../../domain/verify/attestation/pairs.js';
import { checkTransaction, type ParentState } from '../../../../domain/verify/check-transaction.js';
import type { NamespacePolicy } from '../../../../ports/stargate/policy-reader.js';
import { SeededRandomness } from '../../../support/memory/memory.js';
import type { Told } from '../../../support/formats/rules.js';
import { POLICY } from '../../../support/formats/keys-bench.js';
import { keyOf, NEW, TransactionBench } from '../../../support/formats/transaction-bench.js';

const WRONG = `blake3:${'0'.repeat(64)}`;
const ADA = keyOf('ada');
const mismatch = (subject: Told['subject'] = {}): Told => ({ code: 'ATTESTATION_MISMATCH', subject });

describe('judging a transaction', () => {
  let bench: TransactionBench;
  beforeEach(() => {
    bench = new TransactionBench();
  });
  type Context = Parameters<typeof checkTransaction>[0];
  const judge = async (pushed: PushedTransaction, change: Partial<Context> = {}, state: ParentState = NEW) => {
    const context = {
      ...bench.rules,
      verifier: bench.verifier,
      randomness: new SeededRandomness(),
      policy: null,
      sampleSize: 1,
      ...change,
    };
    return { ...(await checkTransaction(context, pushed, state)), told: bench.told() };
  };
  const policy = (change: Partial<NamespacePolicy> = {}): NamespacePolicy => ({ ...POLICY, writers: [ADA], ...change });
  const verify = (mode: 'auto' | 'full' | 'sampled', sampleSize: number | null, fullLimit = 100) =>
    policy({ verify: { mode, sampleSize, fullLimit } });

  it('gives who signed it, what it did, and the state after it', async () => {
    const first = await bench.made([
      bench.set('a', '1'),
      bench.set('b', '2'),
      await bench.setChunked('big', ['0123456789', 'abc']),
    ]);
    const { state, ...found } = await judge(first, { policy: policy() });
    expect(found).to.deep.equal({ signer: 'ada', set: 3, del: 0, told: [] });
    expect(state).to.deep.equal({
      ledgerTree: first.ledger.commit.tree,
      indexTree: first.index.commit.tree,
      chunksTree: first.chunks?.commit.tree,
      ...{ epoch: '2026Q1', parentEpoch: null },
    });
    const next = await bench.made([{ op: 'del', key: 'a' }, bench.set('c', '3')], state);
    const after = await judge({ ...next, chunks: null }, { policy: policy() }, state);
    expect(after).to.deep.include({ signer: 'ada', set: 1, del: 1, told: [] });
    expect(after.state.chunksTree).to.equal(state.chunksTree);
  });

  it('asks for a signature as the policy says', async () => {
    const [signed, unsigned] = [
      await bench.made([bench.set('a', '1')]),
      await bench.made([bench.set('a', '1')], NEW, { signature: null }),
    ];
    const lax = policy({ requireSignedCommits: false });
    expect(await judge(unsigned, { policy: lax })).to.deep.include({ signer: '-', told: [] });
    expect(await judge(signed, { policy: lax })).to.deep.include({ signer: 'ada', told: [] });
    const missing = { code: 'SIGNATURE_MISSING', advice: { id: 'configure-signing' }, subject: { commit: unsigned.ledger.oid } };
    expect(await judge(unsigned, { policy: policy() })).to.deep.include({ signer: '-', told: [missing] });
    const stranger = await bench.made([bench.set('a', '1')], NEW, { signature: 'eve' });
    const unknown = { code: 'SIGNER_UNKNOWN', subject: { commit: stranger.ledger.oid } };
    for (const of of [lax, policy()]) expect((await judge(stranger, { policy: of })).told).to.deep.equal([unknown]);
    expect(await judge(stranger)).to.deep.include({ signer: 'key of eve', told: [] });
    expect(await judge(unsigned)).to.deep.include({ signer: '-', told: [missing] });
    bench.trusted.length = 0;
    await judge(signed, { keysAtHand: [ADA] });
    await judge(signed);
    expect(bench.trusted).to.deep.equal([[ADA], []]);
  });

  it('holds counts, binding and repository against what is there', async () => {
    const pushed = await bench.made([bench.set('a', '1'), bench.set('b', '2')]);
    const says = (change: Partial<PushedTransaction['ledger']['trailers']>): PushedTransaction => ({
      ...pushed,
      ledger: { ...pushed.ledger, trailers: { ...pushed.ledger.trailers, ...change } },
    });
    const wrong = { ...mismatch({ commit: pushed.ledger.oid }), advice: { id: 'write-through-client' } };
    for (const change of [{ keysSet: 1 }, { keysDel: 1 }, { baseTree: 'x' }, { ns: 'other' }])
      expect((await judge(says(change))).told.map(({ code, subject, advice }) => ({ code, subject, advice }))).to.deep.include(
        wrong,
      );
    const foreign = says({ repository: 'b'.repeat(32) });
    expect((await judge(foreign)).told).to.deep.equal([]);
    const told = (await judge(foreign, { repository: { id: 'a'.repeat(32), required: true } })).told;
    expect(told.map(({ code, advice }) => [code, advice?.id])).to.deep.equal([['POLICY_VIOLATION', 'write-again-here']]);
  });

  it('reads every value, or so many of them as a sample has', async () => {
    const keys = ['a', 'b', 'c', 'd'];
    const pushed = await bench.made(keys.map((key) => bench.set(key, key, WRONG)));
    const count = async (change: Partial<Context>): Promise<number> => {
      const { told } = await judge(pushed, change);
      for (const one of told) expect(one).to.deep.equal(mismatch({ key: one.subject.key ?? '' }));
      return told.length;
    };
    expect(await count({})).to.equal(4);
    expect(await count({ policy: verify('full', 1, 1) })).to.equal(4);
    expect(await count({ policy: verify('auto', 1, 4) })).to.equal(4);
    expect(await count({ policy: verify('auto', 1, 3) })).to.equal(1);
    expect(await count({ policy: verify('sampled', 2) })).to.equal(2);
    expect(await count({ policy: verify('sampled', 0), sampleSize: 3 })).to.equal(0);
    expect(await count({ policy: verify('sampled', null), sampleSize: 3 })).to.equal(3);
    expect(await count({ policy: verify('sampled', null), sampleSize: 1 })).to.equal(1);
  });

  it('recomputes the index, or compares what changed in it', async () => {
    const first = await bench.made([bench.set('a', '1')]);
    const { state } = await judge(first);
    const next = await bench.made([bench.set('abcd', '2')], state);
    const wrong = { ...next, index: { ...next.index, commit: { ...next.index.commit, tree: first.index.commit.tree } } };
    const index = (told: readonly Told[]): Told[] => told.filter(({ subject }) => subject.commit === undefined);
    expect(index((await judge(wrong, { policy: verify('full', 1) }, state)).told)).to.deep.equal([
      mismatch(),
      mismatch({ key: 'abcd' }),
    ]);
    expect(index((await judge(wrong, { policy: verify('sampled', 1) }, state)).told)).to.deep.equal([mismatch({ key: 'abcd' })]);
  });

  it('says nothing more of a key whose files don’t go together, and finds pointers that are not there', async () => {
    const first = await bench.made([bench.set('a', '1')]);
    const { state } = await judge(first);
    const torn = { ...(await bench.made([bench.set('a', '2')], state)) };
    const { meta } = pathsOf('main', placeOf('a', bench.namer.hasher));
    const [old] = await bench.store.readPaths(first.ledger.commit.tree, [meta]);
    const tree = await bench.tree({ [meta]: { oid: old?.oid ?? '' } }, torn.ledger.commit.tree);
    const spoilt = { ...torn, ledger: { ...torn.ledger, commit: { ...torn.ledger.commit, tree } } };
    const told = (await judge(spoilt, {}, state)).told.filter(({ subject }) => subject.commit === undefined);
    expect(told).to.deep.equal([mismatch({ key: 'a' })]);
    const next = await bench.made([bench.set('b', '2')], state);
    const [blob] = await bench.store.readPaths(next.index.commit.tree, ['kv/main/index/b_/__/b.ref']);
    expect(blob?.body).to.deep.equal(
      encodePointer({
        key: 'b',
        type: 'inline',
        ledgerBlob: await bench.blob('2'),
        manifestBlob: null,
        size: 1,
        ctype: 'text/plain',
        ttl: null,
      }),
    );
    bench.store.forget([blob?.oid ?? '']);
    for (const mode of ['full', 'sampled'] as const) {
      const lacking = await judge(next, { policy: verify(mode, 1) }, state);
      expect(lacking.told).to.deep.include(mismatch({ key: 'b', object: blob?.oid ?? '' }));
    }
  });

  it('reads the chunks that come with it, and takes those that were there', async () => {
    const first = await bench.made([await bench.setChunked('big', ['0123456789', 'abc'])]);
    const { state } = await judge(first);
    const shared = await bench.made([await bench.setChunked('other', ['0123456789', 'xyz'])], state);
    expect((await judge(shared, {}, state)).told).to.deep.equal([]);
    const lost = await bench.blob('xyz');
    bench.store.forget([lost]);
    const told = (await judge(shared, {}, state)).told;
    expect(told.map(({ subject }) => subject.object)).to.deep.equal([lost, lost]);
    const again = await bench.made([await bench.setChunked('third', ['0123456789'])], state);
    expect((await judge({ ...again, chunks: null }, {}, { ...state, chunksTree: null })).told).to.deep.include(
      mismatch({ key: 'third', object: await bench.blob('0123456789') }),
    );
    expect((await judge(shared, {}, { ...state, chunksTree: null })).told.length).to.be.greaterThan(0);
  });
});
