import { expect } from 'chai';
import { signatureVerifier } from '../../../../../adapters/signature-verifier/open.js';
import { validateRollover } from '../../../../../domain/gateway/accept/validate-rollover.js';
import type { ValidationContext } from '../../../../../domain/gateway/accept/validation-context.js';
import { compactedRef, intentsRef, ledgerRef, watchlogRef } from '../../../../../domain/ledger/refs.js';
import { KvError } from '../../../../../ports/error.js';
import { failure } from '../../../../support/failure.js';
import { RECEIVED, rollover, type RolloverWish } from '../../../../support/formats/forged-rollover.js';
import { largeValue } from '../../../../support/formats/large-value.js';
import { SeededRandomness } from '../../../../support/memory/memory.js';
import { SequencerRig } from '../../../../support/formats/sequencer-rig.js';

const OTHER = 'f'.repeat(40);

describe('a push that begins an epoch', () => {
  let rig: SequencerRig;
  let epoch: string;
  beforeEach(async () => {
    rig = new SequencerRig();
    const { wish } = largeValue(rig.maker.namer, 'large', 'x');
    ({ epoch } = await rig.one({ set: { a: '1', b: '2' }, ...wish }));
    await rig.one({ del: ['b'], epoch });
  });
  const context = (change: Partial<ValidationContext> = {}): ValidationContext => ({
    ...{ namer: rig.maker.namer, verifier: signatureVerifier({ env: {} }), randomness: new SeededRandomness() },
    ...{ clock: rig.clock, policy: rig.policy, sampleSize: 1, repository: { id: 'a'.repeat(32), required: true } },
    ...change,
  });
  const validated = async (wish: RolloverWish = {}, change: Partial<ValidationContext> = {}) =>
    validateRollover(context(change), await rollover(rig, wish), rig.store);
  const refused = async (wish: RolloverWish, code: string, words: string, change: Partial<ValidationContext> = {}) => {
    const error = await failure(validated(wish, change), code as 'REF_FORBIDDEN');
    expect(error.message).to.contain(words);
    return error;
  };

  it('is an event of its own, by the admin who has signed it', async () => {
    const push = await rollover(rig);
    expect(await validateRollover(context(), push, rig.store)).to.deep.equal({
      ...{ v: 1, ns: 'main', epoch: 'next', oid: push.ledger.next, txn: '01KDYF0000ABCDEFGHJKMNPQR9' },
      ...{ received: RECEIVED, signer: 'ada', set: 0, del: 0, parentEpoch: epoch },
    });
  });

  it('has no chunks where no value needs any', async () => {
    await rig.one({ del: ['large'], epoch });
    const push = await rollover(rig);
    expect(push.chunks).to.equal(null);
    await validateRollover(context(), push, rig.store);
    const chunks = { ref: 'refs/kv-chunks/main@next', old: null, next: push.index.next, epoch: 'next' };
    await refused({ push: (one) => ({ ...one, chunks }) }, 'ATTESTATION_MISMATCH', 'the chunks ref');
  });

  for (const [what, wish] of [
    ['KV-NS', { trailers: (t) => ({ ...t, ns: 'other' }) }],
    ['KV-Txn', { trailers: (t) => ({ ...t, txn: 'none' }) }],
    ['the ledger tree', { root: (one) => ({ ...one, tree: OTHER }) }],
    ['Base-Tree', { trailers: (t) => ({ ...t, baseTree: OTHER }) }],
    ['KV-Index-Tree', { trailers: (t) => ({ ...t, indexTree: OTHER }) }],
    ['Keys-Set', { trailers: (t) => ({ ...t, keysSet: 1 }) }],
    ['Keys-Del', { trailers: (t) => ({ ...t, keysDel: 1 }) }],
    ['Parent-Epoch', { trailers: (t) => ({ ...t, parentEpoch: 'other' }) }],
    ['Parent-Epoch', { trailers: (t) => ({ ...t, parentEpoch: null }) }],
    ['Parent-Ledger', { trailers: (t) => ({ ...t, parentLedger: OTHER }) }],
    ['Epoch', { trailers: (t) => ({ ...t, epoch: '-no label' }) }],
    ['KV-Chunks-Tree', { trailers: (t) => ({ ...t, chunksTree: OTHER }) }],
    ['KV-Chunks-Tree', { trailers: (t) => ({ ...t, chunksTree: null }) }],
    ['index', { indexTrailers: (t) => ({ ...t, ns: 'other' }) }],
    ['index', { indexTrailers: (t) => ({ ...t, txn: '01KDYF0000ABCDEFGHJKMNPQR8' }) }],
    ['KV-Ledger-Tree', { indexTrailers: (t) => ({ ...t, ledgerTree: OTHER }) }],
    ['the chunks tree', { chunks: (one) => ({ ...one, tree: OTHER }) }],
    ['chunks', { chunksTrailers: (t) => ({ ...t, ns: 'other' }) }],
    ['chunks', { chunksTrailers: (t) => ({ ...t, txn: '01KDYF0000ABCDEFGHJKMNPQR8' }) }],
    ['the epoch ref', { push: (one) => ({ ...one, epoch: { ref: 'refs/kv-epoch/main', old: null, next: OTHER } }) }],
    ['the chunks ref', { push: (one) => ({ ...one, chunks: one.chunks && { ...one.chunks, epoch: 'other' } }) }],
    ['the chunks ref', { push: (one) => ({ ...one, chunks: null }) }],
    ['the archive ref', { push: (one) => ({ ...one, archive: one.archive && { ...one.archive, epoch: 'other' } }) }],
    ['the archive’s parents', { archive: (one) => ({ ...one, parents: one.parents.slice(0, 1) }) }],
    ['the archive’s parents', { archive: (one) => ({ ...one, parents: [...one.parents].reverse() }) }],
    ['the archive’s tree', { archive: (one) => ({ ...one, tree: OTHER }) }],
    ['the archive’s message', { archive: (one) => ({ ...one, message: `${one.message}\n` }) }],
  ] as const satisfies readonly (readonly [string, RolloverWish])[]) {
    it(`is held against the old tips: ${what}`, async () => {
      await refused(wish, 'ATTESTATION_MISMATCH', what);
    });
  }

  it('has the index of what lives, and no other that says so', async () => {
    const tree = (await rig.commit(await rig.tip('refs/kv-index/main'))).tree; // with a tombstone
    const wish: RolloverWish = { trailers: (t) => ({ ...t, indexTree: tree }), index: (one) => ({ ...one, tree }) };
    await refused(wish, 'ATTESTATION_MISMATCH', 'the index tree');
  });

  it('begins with commits that have no parent, and with commits', async () => {
    const tip = (await rig.tip(ledgerRef('main'))) ?? '';
    const parents = [tip];
    await refused({ root: (one) => ({ ...one, parents }) }, 'REF_FORBIDDEN', 'which has a parent');
    await refused({ index: (one) => ({ ...one, parents }) }, 'REF_FORBIDDEN', 'which has a parent');
    await refused({ chunks: (one) => ({ ...one, parents }) }, 'REF_FORBIDDEN', 'which has a parent');
    const { tree } = await rig.commit(tip);
    for (const next of [tree, OTHER])
      await refused({ push: (one) => ({ ...one, ledger: { ...one.ledger, next } }) }, 'REF_FORBIDDEN', 'which is no commit');
  });

  it('is of a namespace that is there, with all of its refs', async () => {
    for (const gone of [
      (one) => ({ ...one, ledger: { ...one.ledger, old: null } }),
      (one) => ({ ...one, index: { ...one.index, old: null } }),
      (one) => ({ ...one, epoch: null }),
      (one) => ({ ...one, archive: null }),
    ] as const satisfies readonly RolloverWish['push'][])
      await refused({ push: gone }, 'REF_FORBIDDEN', 'does not exist');
  });

  it('has a label that is new to the namespace, by its refs and by what the ledger says', async () => {
    await refused({ trailers: (t) => ({ ...t, epoch }) }, 'CAS_CONFLICT', 'has or had an epoch');
    const tip = (await rig.tip(ledgerRef('main'))) ?? '';
    await rig.store.updateRefs([{ ref: compactedRef('main', 'next'), old: null, next: tip }], 'compacted');
    await refused({}, 'CAS_CONFLICT', 'has or had an epoch');
    await rig.store.updateRefs([{ ref: compactedRef('main', 'next'), old: tip, next: null }], 'forgotten');
    for (const ref of [watchlogRef('main', epoch), intentsRef('main', epoch), `refs/kv-chunks/main@${epoch}`])
      await rig.store.updateRefs([{ ref, old: await rig.tip(ref), next: null }], 'lost');
    await refused({ trailers: (t) => ({ ...t, epoch }) }, 'CAS_CONFLICT', 'has or had an epoch');
    await validated();
  });

  it('nor has it the label of the epoch before the one that ends', async () => {
    await rig.one({ beginEpoch: 'second', epoch });
    for (const ref of [`refs/kv-archive/main@${epoch}`, watchlogRef('main', epoch), intentsRef('main', epoch)])
      await rig.store.updateRefs([{ ref, old: await rig.tip(ref), next: null }], 'lost');
    const chunks = `refs/kv-chunks/main@${epoch}`;
    await rig.store.updateRefs([{ ref: chunks, old: await rig.tip(chunks), next: null }], 'lost');
    await refused({ trailers: (t) => ({ ...t, epoch }) }, 'CAS_CONFLICT', 'has or had an epoch');
  });

  it('is an admin’s, made for this repository, and reaches the mirror', async () => {
    await refused({ signer: 'bob' }, 'SIGNER_UNKNOWN', 'no admin');
    await refused({ trailers: (t) => ({ ...t, repository: 'b'.repeat(32) }) }, 'POLICY_VIOLATION', 'made for repository');
    const { repository: _, ...anywhere } = context();
    await validateRollover(anywhere, await rollover(rig, { trailers: (t) => ({ ...t, repository: 'b'.repeat(32) }) }), rig.store);
    const no = new KvError('CONFIG_INVALID', 'the mirror takes no new epochs');
    expect(await refused({}, 'CONFIG_INVALID', no.message, { newEpochs: async () => no })).to.equal(no);
    await validated({}, { newEpochs: async () => null });
  });

  it('is not made of an intent, unless it is the mirror’s', async () => {
    const wish: RolloverWish = { trailers: (t) => ({ ...t, intent: OTHER }) };
    await refused(wish, 'ATTESTATION_MISMATCH', 'intent');
    await refused(wish, 'SIGNER_UNKNOWN', 'no sequencer of this Stargate', { sequencers: [] });
  });
});
