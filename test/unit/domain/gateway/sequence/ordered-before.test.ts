import { expect } from 'chai';
import type { Oid } from '../../../../../ports/vocabulary.js';
import type { Ordered } from '../../../../../domain/git/wire/intent-frames.js';
import type { MadeIntent } from '../../../../support/formats/intents.js';
import { codes, SequencerRig } from '../../../../support/formats/sequencer-rig.js';

describe('the sequencer: an intent that has come before', () => {
  let rig: SequencerRig;
  let made: MadeIntent;
  beforeEach(async () => {
    rig = new SequencerRig();
    made = await rig.make({ set: { a: '1', b: '2' }, del: ['none'] });
  });
  /** Nothing is remembered from here on: what was answered is read from the ledger. */
  const forgetful = (): void => {
    rig.limits.intentAnswers = 0;
  };
  const committed = (): number => rig.steps.reduce((sum, { txns }) => sum + txns.length, 0);

  it('in the same step has the same answer, and is ordered once', async () => {
    const [first, again] = await rig.order(made, made);
    const answers = [first, again].map((one) => (one?.status === 'fulfilled' ? one.value : null));
    expect(answers[1]).to.deep.equal({ ...answers[0], retried: true });
    expect(answers[0]).to.include({ retried: false, set: 2 });
    expect(committed()).to.equal(1);
  });

  it('has the same answer as long as it is remembered, what was not there to delete included', async () => {
    const first = await rig.one(made);
    expect(await rig.one(made)).to.deep.equal({ ...first, retried: true });
    expect(first.unchanged).to.deep.equal(['none']);
    expect(committed()).to.equal(1);
  });

  it('has its answer from the ledger when it is remembered no more, without what was not there', async () => {
    forgetful();
    const before = await rig.one({ set: { z: '0' } });
    const first = await rig.one(made);
    await rig.one({ set: { a: 'other' } });
    expect(first.parent).to.equal(before.commit);
    expect(await rig.one(made)).to.deep.equal({ ...first, unchanged: [], retried: true });
    expect(committed()).to.equal(3);
  });

  it('has its answer from the ledger where it was the first of all', async () => {
    forgetful();
    const first = await rig.one(made);
    await rig.one({ set: { z: '0' }, ns: 'other' }); // with which the last one is forgotten
    expect(await rig.one(made)).to.deep.equal({ ...first, unchanged: [], retried: true });
    expect(first.parent).to.equal(null);
  });

  it('is another where only the transaction is the same, and is refused: in a step, remembered, and from the ledger', async () => {
    const { txn } = made;
    const other = await rig.make({ set: { a: '2' }, txn }, 'bob');
    const [first, refused] = await rig.order(made, other);
    expect(codes([first, refused] as PromiseSettledResult<Ordered>[])).to.deep.equal([null, 'TRANSACTION_REUSED']);
    const inStep = (refused as PromiseRejectedResult).reason as { message: string; details: unknown };
    expect(inStep.details).to.deep.equal({ commit: other.oid, txn });
    const { epoch } = (first as PromiseFulfilledResult<Ordered>).value;
    expect(inStep.message).to.contain(`epoch ${epoch} has`);
    for (const remembered of [true, false]) {
      if (!remembered) {
        forgetful();
        await rig.one({ set: { z: '0' } }); // with whom the last ones are forgotten
      }
      const error = await rig.refusal(other);
      expect([error.code, error.details], String(remembered)).to.deep.equal(['TRANSACTION_REUSED', { commit: other.oid, txn }]);
      expect(error.message).to.contain(`epoch ${epoch} has`);
    }
    expect(await rig.one({ ...other, ...(await rig.make({ set: { a: '2' }, txn, ns: 'other' }, 'bob')) })).to.include({
      ns: 'other',
    });
  });

  it('is judged anew when it has changed nothing', async () => {
    const none = await rig.make({ del: ['a'] });
    expect(await rig.one(none)).to.include({ commit: null, parent: null, tree: null, del: 0, retried: false });
    const first = await rig.one({ set: { a: '1' } });
    const again = await rig.one(none);
    expect(again).to.include({ del: 1, parent: first.commit, retried: false });
    const last = await rig.make({ del: ['a'] });
    expect(await rig.one(last)).to.deep.include({ commit: null, parent: again.commit, tree: again.tree, unchanged: ['a'] });
  });

  describe('where another epoch has begun', () => {
    let first: Ordered;
    let begun: Ordered;
    beforeEach(async () => {
      first = await rig.one(made);
      made = await rig.make({ set: { c: '3' }, epoch: first.epoch });
      first = await rig.one(made);
      begun = await rig.one({ beginEpoch: 'next', epoch: first.epoch });
      forgetful();
      await rig.one({ set: { z: '0' }, epoch: 'next' });
      await rig.one({ set: { z: '1' }, epoch: 'next' });
    });

    it('has its answer from the epoch that it was ordered in', async () => {
      expect(await rig.one(made)).to.deep.equal({ ...first, retried: true });
    });

    it('is refused where that epoch has another intent of that transaction, or none', async () => {
      const other = await rig.make({ set: { a: '2' }, txn: made.txn, epoch: first.epoch });
      expect(await rig.refusal(other)).to.include({ code: 'TRANSACTION_REUSED' });
      const error = await rig.refusal({ set: { a: '2' }, epoch: first.epoch });
      expect([error.code, error.details]).to.deep.equal(['CAS_CONFLICT', { ns: 'main', epoch: 'next' }]);
    });

    it('is refused where it names an epoch that never was', async () => {
      expect(await rig.refusal({ set: { a: '2' }, epoch: 'never' })).to.include({ code: 'CAS_CONFLICT' });
    });

    it('has its answer where it began the epoch', async () => {
      const commit = await rig.commit(begun.commit);
      expect(commit.parents).to.deep.equal([]);
      const last: Oid | null = begun.parent;
      expect(last).to.equal(first.commit);
    });
  });
});
