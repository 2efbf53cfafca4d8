import { KvError } from '../../../ports/error.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { Oid, RefUpdate, WatchEvent } from '../../../ports/vocabulary.js';
import { formatTime } from '../../ledger/value/metadata.js';
import { namespacePolicy, requireMode } from '../../verify/policy-rules.js';
import { type Link, readChain } from '../../verify/attestation/chain.js';
import { throwFault } from '../../verify/fault.js';
import { pairInOrder } from '../../verify/attestation/pairs.js';
import type { PushRequest } from './push.js';
import { type NamespacePush, sortRefs } from './ref-rules.js';
import { validateRollover } from './validate-rollover.js';
import { stateAt, type ValidationContext } from './validation-context.js';
import { checkTransaction } from '../../verify/check-transaction.js';
import { checkRepository, type RepositoryRule } from '../../verify/attestation/repository.js';

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
  const judging = { ...context, pusher: request.pusher.name };
  const events: WatchEvent[] = [];
  for (const { ns } of pushes) requireMode(namespacePolicy(context.policy, ns), ns, 'linear');
  for (const push of pushes) events.push(...(await validateNamespace(judging, push, quarantine)));
  return events;
}

/** Checks the new commits of one namespace, from its refs as `store` shows them; gives their events. Throws as `validatePush` does. */
export async function validateNamespace(context: ValidationContext, push: NamespacePush, store: GitStore): Promise<WatchEvent[]> {
  namespacePolicy(context.policy, push.ns);
  return push.archive === null ? validateTransactions(context, push, store) : [await validateRollover(context, push, store)];
}

async function validateTransactions(context: ValidationContext, push: NamespacePush, store: GitStore): Promise<WatchEvent[]> {
  const { ns, ledger, index } = push;
  const policy = namespacePolicy(context.policy, ns);
  const newLinks = ({ ref, old, next }: RefUpdate): Promise<Link[]> =>
    readChain(store, throwFault, { ref, old, next: next as Oid, limit: context.maxChain ?? context.policy.limits.transactions });
  const chains = {
    ledger: await newLinks(ledger),
    index: await newLinks(index),
    chunks: push.chunks === null ? [] : await newLinks(push.chunks),
  };
  const transactions = pairInOrder(throwFault, ns, chains);
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
  const { repository } = context;
  const begins = ledger.old === null;
  const rules = { ...context, store, ns, policy, emit: throwFault, repository: begins ? unrequired(repository) : repository };
  const events: WatchEvent[] = [];
  for (const pushed of transactions) {
    const judged = await checkTransaction(rules, pushed, state);
    if (begins && repository !== undefined && !isOwn(judged.signer, context.pusher))
      checkRepository(throwFault, pushed.ledger.oid, pushed.ledger.trailers.repository, repository);
    state = judged.state;
    const { epoch, txn } = pushed.ledger.trailers;
    const received = formatTime(context.clock.now());
    const { signer, set, del } = judged;
    events.push({ v: 1, ns, epoch, oid: pushed.ledger.oid, txn, received, signer, set, del, parentEpoch: null });
  }
  return events;
}

/**
 * A ledger may have begun in a clone that knew of no Stargate yet, so that nothing in it names one. Whoever signed it brings it; nobody
 * else can.
 */
const unrequired = (rule: RepositoryRule | undefined): RepositoryRule | undefined => rule && { ...rule, required: false };

/** Whether what a key signed is pushed by its owner. What is not signed is nobody's: whoever has it can name any repository in it. */
const isOwn = (signer: string, pusher: string | undefined): boolean => signer === '-' || signer === pusher;
