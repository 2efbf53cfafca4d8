import { expect } from 'chai';
import {
  archiveRef,
  chunksRef,
  compactedRef,
  epochRef,
  indexRef,
  intentsRef,
  ledgerRef,
  watchlogRef,
} from '../../../../../domain/ledger/refs.js';
import { parseLedgerMessage } from '../../../../../domain/ledger/transaction/attestation.js';
import { decodeEvent } from '../../../../../domain/ledger/transaction/watchlog.js';
import type { Ordered } from '../../../../../domain/git/wire/intent-frames.js';
import { KvError } from '../../../../../ports/error.js';
import { largeValue } from '../../../../support/formats/large-value.js';
import { NOW } from '../../../../support/memory/memory.js';
import { codes, SequencerRig } from '../../../../support/formats/sequencer-rig.js';

describe('the sequencer: an epoch that begins', () => {
  let rig: SequencerRig;
  let first: Ordered;
  beforeEach(async () => {
    rig = new SequencerRig();
    first = await rig.one({ set: { a: '1', b: '2' } });
  });
  const begin = (label: string, epoch: string | null = first.epoch) => ({ beginEpoch: label, epoch });

  it('goes on from the state of the one before, which is kept', async () => {
    const index = await rig.tip(indexRef('main'));
    const intents = await rig.tip(intentsRef('main', first.epoch));
    const made = await rig.make({ ...begin('next'), text: 'why' });
    const begun = await rig.one(made);
    expect(begun).to.deep.equal({
      ...{ ns: 'main', txn: made.txn, commit: await rig.tip(ledgerRef('main')), parent: first.commit, tree: first.tree },
      ...{ epoch: 'next', set: 0, del: 0, unchanged: [], lostTtl: [], retried: false },
    });
    expect(await rig.tip(epochRef('main'))).to.equal(begun.commit);
    expect(await rig.tip(chunksRef('main', 'next'))).to.equal(null);
    expect(await rig.tip(intentsRef('main', first.epoch))).to.equal(intents);
    const archive = await rig.commit(await rig.tip(archiveRef('main', first.epoch)));
    expect(archive.parents).to.deep.equal([first.commit, index]);
    const message = parseLedgerMessage((await rig.commit(begun.commit)).message, '');
    expect(message).to.include({ epoch: 'next', parentEpoch: first.epoch, parentLedger: first.commit, chunksTree: null });
    expect(message).to.include({ intent: made.oid, keysSet: 0, keysDel: 0, baseTree: first.tree });
    const log = await rig.commit(await rig.tip(watchlogRef('main', 'next')));
    expect(decodeEvent(log.message, '')).to.include({ signer: 'ada', oid: begun.commit, parentEpoch: first.epoch });
    const kept = await rig.commit(await rig.tip(intentsRef('main', 'next')));
    expect(kept.parents.slice(1)).to.deep.equal([made.oid]);
    expect((await rig.commit(kept.parents[0])).parents).to.deep.equal([]);
    const [newIndex] = [await rig.commit(await rig.tip(indexRef('main')))];
    expect(newIndex.parents).to.deep.equal([]);
    expect(newIndex.message).to.contain('main').and.contain(made.txn);
  });

  it('has the chunks that its values need, and no others', async () => {
    const [one, two] = [largeValue(rig.maker.namer, 'large', 'x'), largeValue(rig.maker.namer, 'other', 'y')];
    await rig.one({ ...one.wish, epoch: first.epoch });
    await rig.one({ ...two.wish, epoch: first.epoch });
    await rig.one({ del: ['other'], epoch: first.epoch });
    const made = await rig.make(begin('next'));
    await rig.one(made);
    const chunks = await rig.commit(await rig.tip(chunksRef('main', 'next')));
    expect(chunks.message).to.contain('main').and.contain(made.txn);
    const found = await rig.store.readPaths(chunks.tree, [one.path, two.path]);
    expect(found.map((object) => object?.oid)).to.deep.equal([one.blob, undefined]);
    // The same value again needs no chunk to be brought; the other one's are gone.
    await rig.one({ ...one.wish, chunks: {}, epoch: 'next' });
    expect(await rig.refusal({ ...two.wish, chunks: {}, epoch: 'next' })).to.include({ code: 'ATTESTATION_MISMATCH' });
  });

  it('is judged by itself: what waits before it is of the one before, what waits behind it is not', async () => {
    const late = { set: { c: '3' }, epoch: first.epoch };
    const settled = await rig.order(
      late,
      begin('next'),
      late,
      { set: { d: '4' }, epoch: 'next' },
      { set: { e: '5' }, epoch: 'next' },
    );
    expect(codes(settled)).to.deep.equal([null, null, 'CAS_CONFLICT', null, null]);
    expect(rig.steps.map(({ txns }) => txns.length)).to.deep.equal([1, 1, 1, 2]);
    const [before, begun] = settled.map((one) => (one.status === 'fulfilled' ? one.value : null));
    expect(begun?.parent).to.equal(before?.commit);
  });

  it('takes what was made without a look at it, if that was since', async () => {
    rig.clock.at = NOW + 2000;
    await rig.one({ ...begin('next'), now: NOW + 2000 });
    const error = await rig.refusal({ set: { c: '3' }, now: NOW + 900 });
    expect([error.code, error.details]).to.deep.equal(['CAS_CONFLICT', { ns: 'main', epoch: 'next' }]);
    const began = Math.floor((NOW + 2000) / 1000) * 1000; // a commit's time is in seconds
    expect(await rig.refusal({ set: { c: '3' }, now: began - 1 })).to.include({ code: 'CAS_CONFLICT' });
    await rig.one({ set: { c: '3' }, now: began });
    await rig.one({ set: { d: '4' }, now: NOW + 3000 });
  });

  it('is refused for a label that the namespace has, had, or has compacted away', async () => {
    for (const label of [first.epoch]) expect(await rig.refusal(begin(label))).to.include({ code: 'CAS_CONFLICT' });
    await rig.one(begin('next'));
    const before = await rig.tip(ledgerRef('main'));
    for (const label of ['next', first.epoch]) {
      const error = await rig.refusal(begin(label, 'next'));
      expect(error.code, label).to.equal('CAS_CONFLICT');
      expect(error.message, label).to.contain('has or had an epoch');
    }
    await rig.store.updateRefs([{ ref: compactedRef('main', 'old'), old: null, next: before ?? '' }], 'compacted');
    expect(await rig.refusal(begin('old', 'next'))).to.include({ code: 'CAS_CONFLICT' });
    // A label is told from its refs, and without them by what the ledger says of itself.
    const gone = [archiveRef('main', first.epoch), watchlogRef('main', first.epoch), intentsRef('main', first.epoch)];
    for (const ref of [...gone, watchlogRef('main', 'next'), intentsRef('main', 'next')])
      await rig.store.updateRefs([{ ref, old: await rig.tip(ref), next: null }], 'lost');
    rig.sequencer.forget();
    for (const label of ['next', first.epoch])
      expect(await rig.refusal(begin(label, 'next')), label).to.include({ code: 'CAS_CONFLICT' });
    expect(await rig.tip(ledgerRef('main'))).to.equal(before);
  });

  it('is refused of an epoch that has ended, in a namespace without a ledger, and where its readers would not get it', async () => {
    await rig.one(begin('next'));
    expect(await rig.refusal(begin('third'))).to.include({ code: 'CAS_CONFLICT' });
    expect(await rig.refusal({ ...begin('third', null), ns: 'other' })).to.include({ code: 'NOT_FOUND' });
    rig.newEpochs = new KvError('POLICY_VIOLATION', 'the mirror does not take them');
    expect(await rig.refusal(begin('third', 'next'))).to.equal(rig.newEpochs);
  });

  it('is read again where somebody else has moved the refs', async () => {
    await rig.one(begin('next'));
    const now = await rig.tip(ledgerRef('main'));
    await rig.one({ set: { c: '3' }, epoch: 'next' });
    const moved = await rig.tip(ledgerRef('main'));
    await rig.store.updateRefs([{ ref: ledgerRef('main'), old: moved, next: now }], 'moved by another');
    rig.sequencer.forget(['other']);
    expect(await rig.refusal({ set: { d: '4' }, epoch: 'next' })).to.include({ code: 'CAS_CONFLICT' }); // nobody has told it
    rig.sequencer.forget(['main']);
    expect(await rig.one({ set: { d: '4' }, epoch: 'next' })).to.include({ parent: now });
  });
});
