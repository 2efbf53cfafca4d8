import type { Oid } from '../../../ports/vocabulary.js';
import { epochRef, indexRef, ledgerRef } from '../../ledger/refs.js';
import { buildTransaction } from '../../ledger/transaction/transaction.js';
import { newUlid } from '../../ledger/ulid.js';
import { type Clone, namerOf } from '../clone/clone.js';
import { signCommit } from '../write/linear/sign.js';
import { knownPublished } from '../clone/policy/known-policy.js';
import { newestTip } from '../clone/tips.js';
import { baseOf } from '../write/linear/draft.js';

/** A namespace that was begun in this clone, or was there. */
export interface Begun {
  readonly ns: string;
  readonly ledger: Oid;
  readonly index: Oid;
  readonly epoch: string;
  /** False when the namespace was there already, and nothing was changed. */
  readonly created: boolean;
  readonly signed: boolean;
}

/**
 * Begins a namespace in this clone: a first, empty transaction, its index and its epoch ref. Pushes nothing: the first write does.
 * Throws `CONFIG_INVALID` when there is no key to sign with, where the remote leads to a Stargate.
 */
export async function beginNamespace(clone: Clone, ns: string): Promise<Begun> {
  const tip = await newestTip(clone, ns);
  if (tip !== null) {
    return {
      ns,
      ledger: tip.ledger,
      index: tip.index ?? '',
      epoch: tip.trailers.epoch,
      created: false,
      signed: tip.commit.signature !== null,
    };
  }
  const ports = await clone.forWriting();
  const { store, clock } = clone;
  const now = clock.now();
  const context = {
    store,
    namer: namerOf(clone, ports.hasher),
    ns,
    identity: await clone.config.identity(),
    now,
    txn: newUlid(clock, ports.randomness),
    repository: (await knownPublished(clone)).repositoryId,
    subject: `kv: begin ${ns}`,
  };
  const base = await baseOf(clone, null, false);
  const draft = await buildTransaction(context, base, []);
  // A Stargate would refuse the first write for the sake of an unsigned beginning.
  const mayBeUnsigned = (await clone.remotes.url(clone.remoteName, 'write')) === null;
  const { object: commit, unsigned } = await signCommit(clone, ports, draft.ledgerCommit, mayBeUnsigned);
  await store.write([...draft.objects, commit]);
  await store.updateRefs(
    [
      { ref: ledgerRef(ns), old: null, next: commit.oid },
      { ref: indexRef(ns), old: null, next: draft.indexCommit.oid },
      { ref: epochRef(ns), old: null, next: commit.oid },
    ],
    `kv: begin ${ns}`,
  );
  return { ns, ledger: commit.oid, index: draft.indexCommit.oid, epoch: base.epoch, created: true, signed: unsigned === null };
}
