import { expect } from 'chai';
import { chunksRef, epochRef, indexRef, intentsRef, ledgerRef, watchlogRef } from '../../../../../domain/ledger/refs.js';
import { parseLedgerMessage } from '../../../../../domain/ledger/transaction/attestation.js';
import { decodeEvent } from '../../../../../domain/ledger/transaction/watchlog.js';
import { readLedgerState } from '../../../../../domain/gateway/sequence/ledger-state.js';
import { largeValue } from '../../../../support/formats/large-value.js';
import { NOW } from '../../../../support/memory/memory.js';
import { SequencerRig } from '../../../../support/formats/sequencer-rig.js';

const NS = 'main';

describe('an intent is ordered', () => {
  let rig: SequencerRig;
  beforeEach(() => {
    rig = new SequencerRig();
  });
  const blobOf = (text: string) => rig.maker.namer.oid('blob', Buffer.from(text));

  it('as one ledger commit, with its index, its intent and its event', async () => {
    const made = await rig.make({ set: { a: '1', b: '2' }, del: ['none'], text: 'why' }, 'bob');
    const answer = await rig.one(made);
    expect(answer).to.deep.include({ ns: NS, txn: made.txn, parent: null, set: 2, del: 0, unchanged: ['none'], lostTtl: [] });
    expect(await rig.tip(ledgerRef(NS))).to.equal(answer.commit);
    expect(await rig.tip(epochRef(NS))).to.equal(answer.commit);
    const commit = await rig.commit(answer.commit);
    expect([commit.tree, commit.parents]).to.deep.equal([answer.tree, []]);
    expect(commit.author).to.match(/^bob /);
    expect(commit.signature).to.contain('SSH SIGNATURE');
    const said = parseLedgerMessage(commit.message, '');
    expect(said).to.include({ intent: made.oid, keysSet: 2, keysDel: 0, epoch: answer.epoch, chunksTree: null });
    const index = await rig.commit(await rig.tip(indexRef(NS)));
    expect(index.tree).to.equal(said.indexTree);
    const log = await rig.commit(await rig.tip(watchlogRef(NS, answer.epoch)));
    expect(decodeEvent(log.message, '')).to.include({ signer: 'bob', oid: answer.commit, txn: made.txn, set: 2, del: 0 });
    expect(await rig.tip(chunksRef(NS, answer.epoch))).to.equal(null);
  });

  it('and leads on from there, also when it is read anew', async () => {
    const value = largeValue(rig.maker.namer, 'large', 'x');
    const first = await rig.one(value.wish);
    const chunks = await rig.tip(chunksRef(NS, first.epoch));
    const second = await rig.one({ set: { a: '1' } });
    expect(await rig.tip(chunksRef(NS, first.epoch))).to.equal(chunks);
    const state = await readLedgerState(rig.store, NS, NOW);
    const tips = [
      ledgerRef(NS),
      indexRef(NS),
      chunksRef(NS, first.epoch),
      intentsRef(NS, first.epoch),
      watchlogRef(NS, first.epoch),
    ];
    const { base, intents, watchlog } = state;
    expect([base.ledger?.commit, base.index?.commit, base.chunks?.commit, intents, watchlog]).to.deep.equal(
      await Promise.all(tips.map((ref) => rig.tip(ref))),
    );
    expect([state.first, state.since, base.parentEpoch]).to.deep.equal([first.commit, null, null]);
    rig.sequencer.forget();
    const third = await rig.one({ ...largeValue(rig.maker.namer, 'more', 'y').wish });
    expect(third.parent).to.equal(second.commit);
    const both = await rig.commit(await rig.tip(chunksRef(NS, first.epoch)));
    expect(both.parents).to.deep.equal([chunks]);
    expect((await rig.store.readPaths(both.tree, [value.path]))[0]?.oid).to.equal(value.blob);
  });

  it('in an epoch whose first commit is not kept, as in one that begins all', async () => {
    const first = await rig.one({ set: { a: '1' } });
    await rig.one({ beginEpoch: 'next', epoch: first.epoch });
    const begun = await readLedgerState(rig.store, NS, NOW);
    expect(begun.since).to.equal(Math.floor(NOW / 1000) * 1000);
    await rig.store.updateRefs([{ ref: epochRef(NS), old: begun.first, next: null }], 'lost');
    const state = await readLedgerState(rig.store, NS, NOW);
    expect([state.first, state.since]).to.deep.equal([null, null]);
  });

  it('in no namespace of which only one half is there, nor on a commit that is missing', async () => {
    const { epoch } = await rig.one({ set: { a: '1' } });
    const [ledger, index] = [await rig.tip(ledgerRef(NS)), await rig.tip(indexRef(NS))];
    for (const [ref, old] of [
      [ledgerRef(NS), ledger],
      [indexRef(NS), index],
    ] as const) {
      await rig.store.updateRefs([{ ref, old, next: null }], 'lost');
      expect((await readLedgerState(rig.store, NS, NOW)).base).to.deep.equal({
        ...{ ledger: null, index: null, chunks: null, epoch, parentEpoch: null },
      });
      await rig.store.updateRefs([{ ref, old: null, next: old }], 'found');
    }
    const tree = (await rig.commit(ledger)).tree;
    await rig.store.updateRefs([{ ref: ledgerRef(NS), old: ledger, next: tree }], 'no commit');
    const error = await readLedgerState(rig.store, NS, NOW).catch((thrown: unknown) => thrown);
    expect(error).to.include({ code: 'GIT_ERROR' });
  });

  it('if what it expects of keys is so at that moment', async () => {
    const value = largeValue(rig.maker.namer, 'large', 'x');
    await rig.one({ set: { a: '1' }, ...value.wish });
    const manifest = (await rig.store.readPaths((await rig.commit(await rig.tip(ledgerRef(NS)))).tree, [`kv/${NS}/data`]))[0];
    expect(manifest).to.not.equal(undefined);
    await rig.one({
      set: { b: '1' },
      expect: [
        { key: 'a', blob: blobOf('1') },
        { key: 'none', blob: null },
      ],
    });
    const wrong = await rig.refusal({ set: { b: '2' }, expect: [{ key: 'a', blob: blobOf('2') }] });
    expect([wrong.code, wrong.details]).to.deep.equal(['CAS_CONFLICT', { key: 'a', blob: blobOf('1') }]);
    const none = await rig.refusal({ set: { b: '2' }, expect: [{ key: 'none', blob: blobOf('2') }] });
    expect(none.details).to.deep.equal({ key: 'none', blob: null });
    const chunked = await rig.refusal({ set: { b: '2' }, expect: [{ key: 'large', blob: null }] });
    const { blob } = chunked.details as { blob: string };
    await rig.one({ set: { b: '2' }, expect: [{ key: 'large', blob }] });
  });

  it('if the tree is the one that it expects, none and the empty one included', async () => {
    const first = await rig.one({ set: { a: '1' }, expectTree: null });
    expect((await rig.refusal({ set: { a: '2' }, expectTree: null })).details).to.deep.equal({ tree: first.tree });
    const empty = await rig.one({ del: ['a'], expectTree: first.tree });
    await rig.one({ set: { a: '3' }, expectTree: empty.tree, expect: [{ key: 'a', blob: null }], keepTtl: true });
  });

  it('if the chunks that it names are still there, which an epoch that has begun since may have left behind', async () => {
    const { wish } = largeValue(rig.maker.namer, 'large', 'x');
    await rig.one(wish);
    const first = await rig.one({ del: ['large'] });
    const made = await rig.make({ ...wish, chunks: {}, now: NOW + 5000 });
    const late = await rig.sound(made); // while all chunks are there
    await rig.sequencer.order(await rig.sound(await rig.make({ beginEpoch: 'next', epoch: first.epoch })));
    const error = await rig.sequencer.order(late).catch((thrown: unknown) => thrown);
    expect(error).to.include({ code: 'ATTESTATION_MISMATCH' });
    expect((error as Error).message).to.contain('is not among the chunks of the epoch');
    await rig.one({ ...wish, now: NOW + 5000 });
  });

  it('if what it deletes for sure is there', async () => {
    await rig.one({ set: { a: '1' } });
    const error = await rig.refusal({ del: ['a', 'none'], strict: true });
    expect(error.code).to.equal('NOT_FOUND');
    expect(error.message).to.contain('"none"').and.not.contain('"a"');
    const ops = (one: Parameters<NonNullable<Parameters<SequencerRig['make']>[0]['operations']>>[0]) =>
      one.map((each) => (each.op === 'del' && each.key === 'a' ? { ...each, strict: true } : each));
    expect(await rig.one({ del: ['a', 'none'], operations: ops })).to.include({ del: 1 });
  });

  it('with the TTL that a key had, if that has not passed', async () => {
    const ttl = new Date(Math.floor(NOW / 1000) * 1000 + 60_000).toISOString();
    await rig.one({ set: { a: '1' }, ttl });
    expect(await rig.one({ set: { a: '2' }, keepTtl: true })).to.deep.include({ lostTtl: [] });
    rig.clock.at = Date.parse(ttl) - 1;
    expect(await rig.one({ set: { a: '3' }, keepTtl: true })).to.deep.include({ lostTtl: [] });
    rig.clock.at = Date.parse(ttl);
    expect(await rig.refusal({ set: { a: '4' }, keepTtl: true })).to.include({ code: 'EXPIRED' });
    expect(await rig.one({ set: { a: '4' } })).to.deep.include({ lostTtl: ['a'] });
  });
});
