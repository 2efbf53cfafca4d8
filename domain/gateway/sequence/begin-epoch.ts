import { KvError } from '../../../ports/error.js';
import type { GitStore, NewObject } from '../../../ports/git/git-store.js';
import type { Oid, RefUpdate, WatchEvent } from '../../../ports/vocabulary.js';
import { isEpochLabel } from '../../../ports/grammar/namespace.js';
import { encodeCommit, stamp } from '../../git/commit.js';
import { renderChunksMessage, renderIndexMessage, renderLedgerMessage } from '../../ledger/transaction/attestation.js';
import { archiveCommit, checkFreshLabel, liveChunks, liveIndex } from '../../ledger/epoch.js';
import { appendIntent } from '../../ledger/intent/intents-log.js';
import { formatTime } from '../../ledger/value/metadata.js';
import { archiveRef, chunksRef, epochRef, indexRef, intentsRef, ledgerRef, refsOfLabel, watchlogRef } from '../../ledger/refs.js';
import { commitOn } from '../../ledger/transaction/transaction.js';
import { appendEvents, STARGATE_IDENTITY } from '../../ledger/transaction/watchlog.js';
import type { SoundIntent } from './check-intent.js';
import type { LedgerState } from './ledger-state.js';
import { type OrderContext, type OrderedIntent, requireEpoch, signed } from './order.js';

/** What beginning an epoch takes; `store` is the repository's, in which the whole of the old state lies. */
interface EpochContext extends OrderContext {
  readonly store: GitStore;
}

/** An epoch that is to begin. */
export interface BegunEpoch extends Pick<OrderedIntent, 'answer' | 'objects'> {
  readonly event: NonNullable<OrderedIntent['event']>;
  readonly updates: readonly RefUpdate[];
}

/**
 * Carries out an admin's intent to begin an epoch: everything in it is a function of the old tips but the label, which the intent names.
 * Throws `CAS_CONFLICT` for a label that was used, or an intent of another epoch; `ATTESTATION_MISMATCH` for a label that is none;
 * `NOT_FOUND` where there is no ledger.
 */
export async function beginEpoch(context: EpochContext, state: LedgerState, sound: SoundIntent): Promise<BegunEpoch> {
  const { store, namer, now, repositoryId } = context;
  const { base } = state;
  const { ns, txn } = sound.intent.trailers;
  const { ledger, index } = base;
  if (ledger === null || index === null) {
    throw new KvError('NOT_FOUND', `namespace ${ns} has no ledger, so that no epoch of it can end`, {
      hint: 'write to it first',
    });
  }
  requireEpoch(state, sound);
  const label = await freshLabel(store, state, sound);
  const objects: NewObject[] = [];
  const indexTree = await liveIndex(store, namer, ns, index.tree, objects);
  const chunksTree = await liveChunks(store, namer, ns, ledger.tree, objects);
  const own = { identity: STARGATE_IDENTITY, now };
  const add = (tree: Oid, message: string): NewObject => {
    const object = namer.object('commit', encodeCommit(commitOn(own, null, tree, message), namer.format));
    objects.push(object);
    return object;
  };
  const newIndex = add(indexTree, renderIndexMessage({ ns, txn, ledgerTree: ledger.tree }));
  const newChunks = chunksTree === null ? null : add(chunksTree, renderChunksMessage({ ns, txn }));
  const old = { ns, label: base.epoch, ledger: ledger.commit, tree: ledger.tree, index: index.commit };
  const archive = archiveCommit(namer, old, stamp(STARGATE_IDENTITY, now));
  const message = renderLedgerMessage(sound.intent.text, {
    ...{ ns, txn, indexTree, chunksTree, keysSet: 0, keysDel: 0, epoch: label, repository: repositoryId },
    baseTree: ledger.tree,
    parentEpoch: base.epoch,
    parentLedger: ledger.commit,
    intent: sound.intent.oid,
  });
  const first = await signed(context, { ...commitOn(own, null, ledger.tree, message), author: sound.intent.commit.author });
  const intents = appendIntent(namer, null, sound.intent.oid, { ns, txn, ledger: first.oid }, now);
  const event: WatchEvent = {
    ...{ v: 1, ns, epoch: label, oid: first.oid, txn, received: formatTime(now), signer: sound.signer },
    ...{ set: 0, del: 0, parentEpoch: base.epoch },
  };
  const log = appendEvents(namer, null, [event]);
  objects.push(archive, first, ...intents, ...log);
  const create = (ref: string, next: Oid): RefUpdate => ({ ref, old: null, next });
  return {
    answer: {
      ...{ ns, txn, commit: first.oid, parent: ledger.commit, tree: ledger.tree, epoch: label, set: 0, del: 0 },
      ...{ unchanged: [], lostTtl: [], retried: false },
    },
    objects,
    event,
    updates: [
      { ref: ledgerRef(ns), old: ledger.commit, next: first.oid },
      { ref: indexRef(ns), old: index.commit, next: newIndex.oid },
      { ref: epochRef(ns), old: state.first, next: first.oid },
      create(archiveRef(ns, base.epoch), archive.oid),
      create(intentsRef(ns, label), intents.at(-1)?.oid ?? ''),
      create(watchlogRef(ns, label), log.at(-1)?.oid ?? ''),
      ...(newChunks === null ? [] : [create(chunksRef(ns, label), newChunks.oid)]),
    ],
  };
}

async function freshLabel(store: GitStore, { ns, base }: LedgerState, { intent }: SoundIntent): Promise<string> {
  const label = intent.operations.epoch ?? '';
  if (!isEpochLabel(label)) {
    throw new KvError('ATTESTATION_MISMATCH', `intent ${intent.oid} begins an epoch with a label that is none`, {
      hint: 'a label is 1 to 63 letters, digits, dots, dashes and underscores',
    });
  }
  const taken = (await store.refs(refsOfLabel(ns, label))).size > 0;
  checkFreshLabel(ns, label, taken || label === base.epoch || label === base.parentEpoch);
  return label;
}
