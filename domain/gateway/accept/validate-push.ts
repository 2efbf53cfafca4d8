import { KvError } from '../../../ports/error.js';
import type { GitStore } from '../../../ports/git-store.js';
import type { Oid, WatchEvent } from '../../../ports/vocabulary.js';
import { formatTime } from '../../ledger/metadata.js';
import { namespacePolicy } from '../../verify/policy-rules.js';
import { type Link, pairChains, readChain } from '../../verify/chain.js';
import type { PushRequest } from '../push.js';
import { type NamespacePush, sortRefs } from './ref-rules.js';
import { validateRollover } from './validate-rollover.js';
import { stateAt, type ValidationContext } from './validation-context.js';
import { verifyTransaction } from '../../verify/transaction.js';

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
  for (const push of pushes) {
    namespacePolicy(context.policy, push.ns);
    if (push.archive === null) events.push(...(await validateTransactions(context, push, quarantine)));
    else events.push(await validateRollover(context, push, quarantine));
  }
  return events;
}

async function validateTransactions(context: ValidationContext, push: NamespacePush, store: GitStore): Promise<WatchEvent[]> {
  const { ns, ledger, index } = push;
  const policy = namespacePolicy(context.policy, ns);
  const links = await readChain(store, ledger.ref, ledger.old, ledger.next as Oid);
  const indexLinks = await readChain(store, index.ref, index.old, index.next as Oid);
  const transactions = pairChains(ns, links, indexLinks, await chunkLinks(push, store));
  const first = transactions[0];
  if (first === undefined) throw new KvError('REF_FORBIDDEN', `${ledger.ref} is pushed without a new commit`);
  if (push.epoch !== null && (push.epoch.old !== null || push.epoch.next !== first.ledger.oid)) {
    throw new KvError(
      'ATTESTATION_MISMATCH',
      `${push.epoch.ref} must point to the namespace's first ledger commit, ${first.ledger.oid}`,
    );
  }
  let state = await stateAt(store, ns, ledger.old, index.old);
  if (push.chunks !== null && push.chunks.epoch !== (state.epoch ?? first.ledger.trailers.epoch)) {
    throw new KvError('ATTESTATION_MISMATCH', `${push.chunks.ref} is not of the current epoch`);
  }
  const events: WatchEvent[] = [];
  for (const pushed of transactions) {
    const verified = await verifyTransaction({ ...context, store, ns, policy }, pushed, state);
    state = verified.state;
    const { epoch, txn } = pushed.ledger.trailers;
    const received = formatTime(context.clock.now());
    const { signer, set, del } = verified;
    events.push({ v: 1, ns, epoch, oid: pushed.ledger.oid, txn, received, signer, set, del, parentEpoch: null });
  }
  return events;
}

async function chunkLinks({ chunks }: NamespacePush, store: GitStore): Promise<Link[]> {
  return chunks === null ? [] : readChain(store, chunks.ref, chunks.old, chunks.next as Oid);
}
