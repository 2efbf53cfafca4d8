import type { Clock, Randomness } from '../../ports/clock.js';
import { KvError } from '../../ports/error.js';
import type { GitStore } from '../../ports/git-store.js';
import type { Policy } from '../../ports/policy-reader.js';
import type { SignatureVerifier } from '../../ports/signer.js';
import type { Oid, WatchEvent } from '../../ports/vocabulary.js';
import { parseLedgerMessage } from '../attestation.js';
import { decodeCommit } from '../commit.js';
import { formatTime } from '../metadata.js';
import type { ObjectNamer } from '../object.js';
import { namespacePolicy } from '../policy.js';
import { pairChains, readChain } from './chain.js';
import type { PushRequest } from './push.js';
import { type NamespacePush, sortRefs } from './ref-rules.js';
import { type ParentState, verifyTransaction } from './verify-transaction.js';

export interface ValidationContext {
  readonly namer: ObjectNamer;
  readonly verifier: SignatureVerifier;
  readonly randomness: Randomness;
  readonly clock: Clock;
  readonly policy: Policy;
  readonly sampleSize: number;
}

/**
 * Checks a push while its objects are in quarantine; gives the watchlog's events for it.
 * Throws what the pusher is to see. Takes no lock: the caller holds the tips against the refs afterwards.
 */
export async function validatePush(
  context: ValidationContext,
  request: PushRequest,
  quarantine: GitStore,
): Promise<WatchEvent[]> {
  const pushes = await sortRefs(request, quarantine);
  const events: WatchEvent[] = [];
  for (const push of pushes) events.push(...(await validateNamespace(context, push, quarantine)));
  return events;
}

async function validateNamespace(context: ValidationContext, push: NamespacePush, store: GitStore): Promise<WatchEvent[]> {
  const { ns, ledger, index } = push;
  const policy = namespacePolicy(context.policy, ns);
  const links = await readChain(store, ledger.ref, ledger.old, ledger.next as Oid);
  const transactions = pairChains(ns, links, await readChain(store, index.ref, index.old, index.next as Oid));
  const first = transactions[0];
  if (first === undefined) throw new KvError('REF_FORBIDDEN', `${ledger.ref} is pushed without a new commit`);
  if (push.epoch !== null && (push.epoch.old !== null || push.epoch.next !== first.ledger.oid)) {
    throw new KvError(
      'ATTESTATION_MISMATCH',
      `${push.epoch.ref} must point to the namespace's first ledger commit, ${first.ledger.oid}`,
    );
  }
  let state = await stateAt(store, ledger.old, index.old);
  const events: WatchEvent[] = [];
  for (const pushed of transactions) {
    const verified = await verifyTransaction({ ...context, store, ns, policy }, pushed, state);
    state = verified.state;
    events.push({
      v: 1,
      ns,
      epoch: pushed.ledger.trailers.epoch,
      oid: pushed.ledger.oid,
      txn: pushed.ledger.trailers.txn,
      received: formatTime(context.clock.now()),
      signer: verified.signer,
      set: verified.set,
      del: verified.del,
    });
  }
  return events;
}

/** The state that tips stand for; the repository's own commits are trusted to be well formed. */
export async function stateAt(store: GitStore, ledger: Oid | null, index: Oid | null): Promise<ParentState> {
  if (ledger === null || index === null) return { ledgerTree: null, indexTree: null, epoch: null, parentEpoch: null };
  const [top, below] = await store.read([ledger, index]);
  if (!top || !below) throw new KvError('CAS_CONFLICT', `tip ${ledger} or ${index} is not in the repository`);
  const commit = decodeCommit(top.body, ledger, store.objectFormat);
  const trailers = parseLedgerMessage(commit.message, ledger);
  const indexTree = decodeCommit(below.body, index, store.objectFormat).tree;
  return { ledgerTree: commit.tree, indexTree, epoch: trailers.epoch, parentEpoch: trailers.parentEpoch };
}
