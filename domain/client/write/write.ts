import { KvError } from '../../../ports/error.js';
import type { NamespacePolicy } from '../../../ports/policy-reader.js';
import type { Oid, RefUpdate } from '../../../ports/vocabulary.js';
import { quoteKey } from '../../ledger/key.js';
import { chunksRef, epochRef, indexRef, ledgerRef } from '../../ledger/refs.js';
import { type Base, buildTransaction, type Draft, type TreeTip } from '../../ledger/transaction.js';
import { newUlid } from '../../ledger/ulid.js';
import type { ChunkReport } from './chunk-value.js';
import { chunksTip, fetchChunks } from '../clone/chunks-tip.js';
import { type Clone, namerOf, type WritingPorts } from '../clone/clone.js';
import { firstEpochLabel } from '../../ledger/first-label.js';
import { checkExpectations, type Expectations, requireDeleted } from './expectations.js';
import { foreignTipText } from '../clone/foreign-tip.js';
import { knownPublished } from '../clone/known-policy.js';
import { land, type Target, whereTo } from './land.js';
import { checkRequest, completeOperation, lastOfEach, type RequestedOperation } from './operations.js';
import { type Prepared, prepareOperations } from './prepare.js';
import { requireCaughtUp } from './caught-up.js';
import { keepTtls, lostUnsaid } from './prior-ttl.js';
import { MAX_ATTEMPTS, pauseAfterRace } from './race-pause.js';
import { isForAnother, repositoryFor } from './repository.js';
import { signCommit } from './sign.js';
import { tooManyObjects } from '../../git/wire/push-request.js';
import { fetchNamespace, newestTip, noIndex, type Tip, wholeTip } from '../clone/tips.js';

/** What is written, on which conditions. */
export interface WriteRequest extends Expectations {
  readonly ns: string;
  readonly operations: readonly RequestedOperation[];
  /** Build and report, but push nothing. */
  readonly dryRun?: boolean;
  /** The Stargate's newest state was read just now, so that a dry run needs not read it again. */
  readonly refreshed?: boolean;
  /** A deletion of a key that isn't there is `NOT_FOUND` instead of a warning. */
  readonly strictDelete?: boolean;
  /** False: a lost race is `CAS_CONFLICT`, and the Stargate's tip is read before building. */
  readonly retry?: boolean;
  /** What the ledger commit's message says above its trailers. */
  readonly subject?: string;
  /** Values above this are chunked, where the policy would keep them inline. Bytes. */
  readonly maxInline?: number;
  /** Told of a large value's bytes as they are read. */
  readonly onProgress?: (key: string, bytes: number) => void;
}

/** What a write did, or would do on a dry run. */
export interface Receipt {
  readonly ns: string;
  /** Null when nothing was changed, or on a dry run. */
  readonly commit: Oid | null;
  readonly txn: string | null;
  readonly epoch: string;
  /** The ledger's root tree afterwards: what the next `--expect-tree` takes. Null on a dry run: a write has another time and transaction. */
  readonly tree: Oid | null;
  readonly set: readonly string[];
  readonly del: readonly string[];
  readonly unchanged: readonly string[];
  /** Keys that had a TTL and have none now, though nobody said that they should lose it. */
  readonly lostTtl: readonly string[];
  /** Bytes of the values set. */
  readonly bytes: number;
  /** What became of the values that were too large to be stored inline. */
  readonly chunked: readonly ChunkReport[];
  /** Races lost before the write landed. */
  readonly retries: number;
  readonly landed: Target | 'nowhere';
  readonly warnings: readonly string[];
}

/**
 * Writes one transaction. Builds on the newest tip that this clone knows, without asking first; when the Stargate has
 * moved on, reads its tip, builds again and retries, unless the caller expected a tree. Throws `CAS_CONFLICT`, `NOT_FOUND`,
 * `KEY_INVALID`, `POLICY_VIOLATION`, and whatever the Stargate rejects with.
 */
export async function write(clone: Clone, request: WriteRequest): Promise<Receipt> {
  const { ns } = request;
  const ports = await clone.forWriting();
  const target = await whereTo(clone);
  const { kept, repeated } = lastOfEach(request.operations);
  const warnings = repeated.map((key) => `key ${quoteKey(key)} stands there more than once: the last operation wins`);
  let fresh = target === 'clone';
  let published = await knownPublished(clone); // only a fetch moves it
  const refreshOnce = async (): Promise<void> => {
    if (fresh) return;
    await fetchNamespace(clone, ns, 'stargate');
    published = await knownPublished(clone);
    fresh = true;
  };
  const policy = (): NamespacePolicy | null => published.policy?.namespaces.get(ns) ?? null;
  const unknown = published.policy === null && request.dryRun !== true;
  if (request.dryRun === true && request.refreshed !== true) {
    try {
      await refreshOnce();
    } catch (error) {
      if (!KvError.is(error) || error.code !== 'IO_ERROR') throw error;
      warnings.push(`the Stargate could not be asked, so this is by what was last fetched: ${error.message}`);
      fresh = true; // asking again would fail again
    }
  }
  if (request.retry === false || unknown || isRefusedBy(policy(), ns, kept)) await refreshOnce();
  const prepared = await prepare(clone, ports, request, kept, { target, policy: policy() });
  const atHand = !namesChunks(prepared); // chunks were stored as they were cut
  for (let attempt = 0; ; ) {
    if (target === 'stargate' && atHand && request.dryRun !== true) clone.remotes.expectPush?.(clone.remoteName);
    const tip = target === 'stargate' ? await wholeTip(clone, ns, 'stargate') : await newestTip(clone, ns);
    const base = await baseOf(clone, tip, namesChunks(prepared));
    const repository = repositoryFor(published, tip);
    if (repository instanceof KvError) {
      if (fresh) throw repository;
      await refreshOnce();
      continue;
    }
    const draft = await build(clone, ports, request, prepared, { tip, base, repository, policy: policy() });
    const doubt = await doubtful(clone, request, draft, tip, kept);
    if (doubt !== null && !fresh) {
      await refreshOnce(); // what this clone knows says no; the Stargate's newest state has the last word
      continue;
    }
    if (doubt instanceof KvError) throw doubt;
    const outcome = { request, prepared, draft, tip, base, retries: attempt };
    if (draft.set.length + draft.del.length === 0 || request.dryRun === true) return receipt(outcome, null, 'nowhere', warnings);
    const mayBeUnsigned = target === 'clone' || policy()?.requireSignedCommits === false;
    const { object, unsigned } = await signCommit(clone, ports, draft.ledgerCommit, mayBeUnsigned);
    const objects = [...draft.objects, object];
    // Before anything is written: what the Stargate would refuse would stay in this clone.
    const most = published.policy?.maxPushObjects ?? Number.POSITIVE_INFINITY;
    if (target === 'stargate' && objects.length > most) {
      if (fresh) throw tooManyObjects(objects.length, most);
      await refreshOnce();
      continue;
    }
    await clone.store.write(objects);
    try {
      const warning = await land(clone, ns, moves(ns, base, draft, object.oid), target, atHand ? objects : undefined);
      if (warning !== null) warnings.push(warning);
      if (unsigned !== null) warnings.push(`the commit is not signed: ${unsigned}`);
      return receipt(outcome, object.oid, target, warnings);
    } catch (error) {
      if (!fresh && isForAnother(error)) {
        await refreshOnce(); // what this clone knows of the repository is old
        continue;
      }
      const lost = KvError.is(error) && error.code === 'CAS_CONFLICT';
      attempt++;
      const again = lost && request.retry !== false && request.expectTree === undefined && attempt < MAX_ATTEMPTS;
      if (again) await pauseAfterRace(clone, ports, attempt - 1);
      if (lost && target === 'stargate' && (again || tip?.from !== 'stargate')) {
        await refresh(clone, ns, namesChunks(prepared));
        if (tip !== null) await requireCaughtUp(clone, tip);
      }
      if (!again) throw error;
      published = await knownPublished(clone);
      fresh = true;
    }
  }
}

/** What speaks against a transaction on this tip: an expectation that fails, a deletion with nothing to delete. Null: nothing. */
async function doubtful(
  clone: Clone,
  request: WriteRequest,
  draft: Draft,
  tip: Tip | null,
  kept: readonly RequestedOperation[],
): Promise<KvError | 'absent' | null> {
  try {
    await checkExpectations(clone, request.ns, request, tip);
    if (request.strictDelete === true) requireDeleted(request.ns, draft, kept);
  } catch (error) {
    if (KvError.is(error) && (error.code === 'CAS_CONFLICT' || error.code === 'NOT_FOUND')) return error;
    throw error;
  }
  const deleted = new Set(kept.filter(({ op }) => op === 'del').map(({ key }) => key));
  return draft.unchanged.some((key) => deleted.has(key)) ? 'absent' : null;
}

/** Whether a value lies in chunks: ones that were just cut, or those that an old value's manifest names. */
function namesChunks({ operations }: Prepared): boolean {
  return operations.some((one) => one.op === 'set' && !(one.value instanceof Uint8Array));
}

/** Whether the policy as last fetched refuses a key. An admin may have changed it since, so that is no final answer. */
function isRefusedBy(policy: NamespacePolicy | null, ns: string, operations: readonly RequestedOperation[]): boolean {
  try {
    for (const operation of operations) checkRequest(ns, policy, operation);
    return false;
  } catch (error) {
    if (KvError.is(error) && error.code === 'POLICY_VIOLATION') return true;
    throw error;
  }
}

/** The Stargate's newest state, with the chunks where they matter. */
async function refresh(clone: Clone, ns: string, withChunks: boolean): Promise<void> {
  await fetchNamespace(clone, ns, 'stargate');
  const tip = withChunks ? await newestTip(clone, ns) : null;
  if (tip !== null) await fetchChunks(clone, ns, tip.trailers.epoch, 'stargate');
}

async function prepare(
  clone: Clone,
  ports: WritingPorts,
  request: WriteRequest,
  kept: readonly RequestedOperation[],
  { target, policy }: { readonly target: Target; readonly policy: NamespacePolicy | null },
): Promise<Prepared> {
  const { ns } = request;
  let tree: Promise<Oid | null> | undefined;
  const lookUp = async (): Promise<Oid | null> => {
    const tip = await newestTip(clone, ns);
    if (tip === null) return null;
    const { epoch } = tip.trailers;
    if (target === 'stargate' && (await chunksTip(clone, ns, epoch)) === null) await fetchChunks(clone, ns, epoch, 'stargate');
    return (await chunksTip(clone, ns, epoch))?.tree ?? null;
  };
  const { maxInline, onProgress } = request;
  const context = { ns, policy, maxInline, chunksTree: () => (tree ??= lookUp()), ...(onProgress ? { onProgress } : {}) };
  return prepareOperations(clone, ports, context, kept);
}

async function build(
  clone: Clone,
  ports: WritingPorts,
  request: WriteRequest,
  prepared: Prepared,
  on: {
    readonly tip: Tip | null;
    readonly base: Base;
    readonly repository: string | null;
    readonly policy: NamespacePolicy | null;
  },
): Promise<Draft> {
  const { tip, base, repository, policy } = on;
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
function moves(ns: string, base: Base, draft: Draft, commit: Oid): RefUpdate[] {
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

interface Outcome {
  readonly request: WriteRequest;
  readonly prepared: Prepared;
  readonly draft: Draft;
  readonly tip: Tip | null;
  readonly base: Base;
  readonly retries: number;
}

function receipt(outcome: Outcome, commit: Oid | null, landed: Receipt['landed'], warnings: readonly string[]): Receipt {
  const { request, prepared, draft, tip, base, retries } = outcome;
  const { set, del, unchanged, bytes, ledgerCommit } = draft;
  const deletions = new Set(request.operations.filter(({ op }) => op === 'del').map(({ key }) => key));
  const absent = unchanged
    .filter((key) => deletions.has(key))
    .map((key) => `key ${quoteKey(key)} is not there: nothing to delete`);
  return {
    ns: request.ns,
    commit,
    txn: commit === null ? null : draft.txn,
    epoch: base.epoch,
    tree: request.dryRun === true ? null : set.length + del.length > 0 ? ledgerCommit.tree : (tip?.commit.tree ?? null),
    ...{ set, del, unchanged, bytes, retries, landed },
    lostTtl: lostUnsaid(prepared.operations, draft.lostTtl),
    chunked: prepared.chunked,
    warnings: [
      ...warnings,
      ...absent,
      ...(tip?.passedOver === undefined ? [] : [`${foreignTipText(tip.passedOver)}; tell its operator`]),
    ],
  };
}
