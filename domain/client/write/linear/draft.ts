import type { NamespacePolicy } from '../../../../ports/stargate/policy-reader.js';
import type { Oid, RefUpdate } from '../../../../ports/vocabulary.js';
import { chunksRef, epochRef, indexRef, ledgerRef } from '../../../ledger/refs.js';
import { firstEpochLabel } from '../../../ledger/first-label.js';
import { type Base, buildTransaction, type Draft, type TreeTip } from '../../../ledger/transaction/transaction.js';
import { newUlid } from '../../../ledger/ulid.js';
import { chunksTip } from '../../clone/chunks-tip.js';
import { type Clone, namerOf, type WritingPorts } from '../../clone/clone.js';
import { noIndex, type Tip } from '../../clone/tips.js';
import { completeOperation } from '../operations.js';
import type { Prepared } from './prepare.js';
import { keepTtls } from '../value/prior-ttl.js';
import type { WriteRequest } from '../request.js';

/** What a transaction is built on, and for which repository. */
interface DraftBase {
  readonly tip: Tip | null;
  readonly base: Base;
  readonly repository: string | null;
  readonly policy: NamespacePolicy | null;
}

/** Builds the transaction on a tip; nothing of it is written or signed yet. */
export async function build(
  clone: Clone,
  ports: WritingPorts,
  request: WriteRequest,
  prepared: Prepared,
  { tip, base, repository, policy }: DraftBase,
): Promise<Draft> {
  const { clock, store, config } = clone;
  const { ns, subject } = request;
  const now = clock.now();
  const identity = await config.identity();
  const author = /<([^>]*)>/.exec(identity)?.[1] ?? identity;
  const txn = newUlid(clock, ports.randomness);
  const requested = await keepTtls(clone, ns, tip, prepared.operations);
  const operations = requested.map((one) => completeOperation({ policy, hasher: ports.hasher, author, now, txn }, one));
  const context = {
    store,
    namer: namerOf(clone, ports.hasher),
    ns,
    identity,
    now,
    txn,
    repository,
    ...(subject === undefined ? {} : { subject }),
  };
  return buildTransaction(context, base, operations);
}

/** The state that a transaction builds on. */
export async function baseOf(clone: Clone, tip: Tip | null, withChunks: boolean): Promise<Base> {
  if (tip === null)
    return { ledger: null, index: null, chunks: null, epoch: firstEpochLabel(clone.clock.now()), parentEpoch: null };
  if (tip.index === null) throw noIndex(tip.ledger);
  const { epoch, parentEpoch, indexTree } = tip.trailers;
  const chunks: TreeTip | null = withChunks ? await chunksTip(clone, tip.ns, epoch) : null;
  return {
    ledger: { commit: tip.ledger, tree: tip.commit.tree },
    index: { commit: tip.index, tree: indexTree },
    ...{ chunks, epoch, parentEpoch },
  };
}

/** The refs that a transaction moves. */
export function moves(ns: string, base: Base, draft: Draft, commit: Oid): RefUpdate[] {
  const updates: RefUpdate[] = [
    { ref: ledgerRef(ns), old: base.ledger?.commit ?? null, next: commit },
    { ref: indexRef(ns), old: base.index?.commit ?? null, next: draft.indexCommit.oid },
  ];
  if (draft.chunksCommit !== null) {
    updates.push({ ref: chunksRef(ns, base.epoch), old: base.chunks?.commit ?? null, next: draft.chunksCommit.oid });
  }
  if (base.ledger === null) updates.push({ ref: epochRef(ns), old: null, next: commit });
  return updates;
}
