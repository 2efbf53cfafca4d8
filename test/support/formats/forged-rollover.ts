import { liveChunks, liveIndex, archiveMessage } from '../../../domain/ledger/epoch.js';
import { type Commit, encodeCommit } from '../../../domain/git/commit.js';
import { formatTime } from '../../../domain/ledger/value/metadata.js';
import type { NamespacePush } from '../../../domain/gateway/accept/ref-rules.js';
import { stateAt } from '../../../domain/gateway/accept/validation-context.js';
import { archiveRef, chunksRef, epochRef, indexRef, ledgerRef } from '../../../domain/ledger/refs.js';
import {
  type ChunksTrailers,
  type IndexTrailers,
  type LedgerTrailers,
  renderChunksMessage,
  renderIndexMessage,
  renderLedgerMessage,
} from '../../../domain/ledger/transaction/attestation.js';
import { commitOn } from '../../../domain/ledger/transaction/transaction.js';
import type { NewObject } from '../../../ports/git/git-store.js';
import type { Oid } from '../../../ports/vocabulary.js';
import { NOW } from '../memory/memory.js';
import type { SequencerRig } from './sequencer-rig.js';

type Change<T> = (honest: T) => T;

/** What is wrong with a push that begins an epoch. */
export interface RolloverWish {
  readonly trailers?: Change<LedgerTrailers>;
  readonly indexTrailers?: Change<IndexTrailers>;
  readonly chunksTrailers?: Change<ChunksTrailers>;
  readonly root?: Change<Commit>;
  readonly index?: Change<Commit>;
  readonly chunks?: Change<Commit>;
  readonly archive?: Change<Commit>;
  readonly push?: Change<NamespacePush>;
  /** Who signs it; `ada`, an admin, unless told otherwise. */
  readonly signer?: string;
}

const NS = 'main';
const TXN = '01KDYF0000ABCDEFGHJKMNPQR9';

/** The push with which a client begins epoch `next` of `main`, spoilt or not; its objects are in the store. */
export async function rollover(rig: SequencerRig, wish: RolloverWish = {}): Promise<NamespacePush> {
  const { store, maker } = rig;
  const { namer } = maker;
  const [ledger, index] = [(await rig.tip(ledgerRef(NS))) ?? '', (await rig.tip(indexRef(NS))) ?? ''];
  const state = await stateAt(store, NS, ledger, index);
  const [ledgerTree, epoch] = [state.ledgerTree as Oid, state.epoch as string];
  const objects: NewObject[] = [];
  const indexTree = await liveIndex(store, namer, NS, state.indexTree as Oid, objects);
  const chunksTree = await liveChunks(store, namer, NS, ledgerTree, objects);
  const own = { identity: 'ada <ada@example.org>', now: NOW };
  const add = (commit: Commit): Oid => {
    const object = namer.object('commit', encodeCommit(commit, namer.format));
    objects.push(object);
    return object.oid;
  };
  const same = <T>(one: T): T => one;
  const { trailers = same, indexTrailers = same, chunksTrailers = same, push = same } = wish;
  const t = trailers({
    ...{ ns: NS, txn: TXN, indexTree, chunksTree, keysSet: 0, keysDel: 0, epoch: 'next', repository: 'a'.repeat(32) },
    ...{ baseTree: ledgerTree, parentEpoch: epoch, parentLedger: ledger, intent: null },
  });
  const root = (wish.root ?? same)(commitOn(own, null, ledgerTree, renderLedgerMessage('new epoch', t)));
  const signature = await rig.signer(wish.signer ?? 'ada').sign(encodeCommit(root, namer.format));
  const first = add({ ...root, signature });
  const ofIndex = renderIndexMessage(indexTrailers({ ns: NS, txn: TXN, ledgerTree }));
  const newIndex = add((wish.index ?? same)(commitOn(own, null, indexTree, ofIndex)));
  const ofChunks = renderChunksMessage(chunksTrailers({ ns: NS, txn: TXN }));
  const newChunks = chunksTree === null ? null : add((wish.chunks ?? same)(commitOn(own, null, chunksTree, ofChunks)));
  const kept = { ...commitOn(own, null, ledgerTree, archiveMessage(NS, epoch)), parents: [ledger, index] };
  const archive = add((wish.archive ?? same)(kept));
  await store.write(objects);
  const create = (ref: string, label: string, next: Oid) => ({ ref, old: null, next, epoch: label });
  return push({
    ns: NS,
    ledger: { ref: ledgerRef(NS), old: ledger, next: first },
    index: { ref: indexRef(NS), old: index, next: newIndex },
    epoch: { ref: epochRef(NS), old: await rig.tip(epochRef(NS)), next: first },
    chunks: newChunks === null ? null : create(chunksRef(NS, 'next'), 'next', newChunks),
    archive: create(archiveRef(NS, epoch), epoch, archive),
  });
}

/** When a rollover comes in, as its event says it. */
export const RECEIVED = formatTime(NOW);
