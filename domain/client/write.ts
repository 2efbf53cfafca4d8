import { KvError } from '../../ports/error.js';
import type { NewObject } from '../../ports/git-store.js';
import type { Oid, RefUpdate } from '../../ports/vocabulary.js';
import { parseLedgerMessage } from '../attestation.js';
import { encodeCommit } from '../commit.js';
import { quoteKey } from '../key.js';
import { pathsOf, placeOf } from '../ledger.js';
import { epochRef, indexRef, ledgerRef, trackingRef } from '../refs.js';
import { type Base, buildTransaction, type Draft } from '../transaction.js';
import { newUlid } from '../ulid.js';
import { type Clone, namerOf, type WritingPorts } from './clone.js';
import { firstEpochLabel } from './epoch-label.js';
import { knownPolicy } from './known-policy.js';
import { completeOperation, lastOfEach, type RequestedOperation } from './operations.js';
import { fetchNamespace, newestTip, notSetUp, type Tip } from './tips.js';

export interface WriteRequest {
  readonly ns: string;
  readonly operations: readonly RequestedOperation[];
  /** The ledger's root tree that the writer has seen; a lost race is then `CAS_CONFLICT` instead of a retry. */
  readonly expectTree?: Oid;
  /** The blobs that keys must have (null: the key must not exist). */
  readonly expectBlobs?: ReadonlyMap<string, Oid | null>;
  /** Build and report, but push nothing. */
  readonly dryRun?: boolean;
  /** A deletion of a key that isn't there is `NOT_FOUND` instead of a warning. */
  readonly strictDelete?: boolean;
  /** False: a lost race is `CAS_CONFLICT`, and the Stargate's tip is read before building. */
  readonly retry?: boolean;
  /** The ledger commit's first line. */
  readonly subject?: string;
}

export interface Receipt {
  readonly ns: string;
  /** Null when nothing was changed, or on a dry run. */
  readonly commit: Oid | null;
  readonly txn: string | null;
  readonly epoch: string;
  /** The ledger's root tree afterwards: what the next `--expect-tree` takes. */
  readonly tree: Oid | null;
  readonly set: readonly string[];
  readonly del: readonly string[];
  readonly unchanged: readonly string[];
  /** Bytes of the values set. */
  readonly bytes: number;
  /** Races lost before the write landed. */
  readonly retries: number;
  readonly landed: 'stargate' | 'clone' | 'nowhere';
  readonly warnings: readonly string[];
}

/** With jitter between them, this many lost races in a row mean that something else is wrong. */
const MAX_ATTEMPTS = 30;
const FIRST_PAUSE_MS = 20;
const LAST_PAUSE_MS = 1500;

/**
 * Writes one transaction. Builds on the newest tip that this clone knows, without asking first; when the Stargate has
 * moved on, reads its tip, builds again and retries, unless the caller expected a tree. Throws `CAS_CONFLICT`, `NOT_FOUND`,
 * `KEY_INVALID`, `POLICY_VIOLATION`, and whatever the Stargate rejects with.
 */
export async function write(clone: Clone, request: WriteRequest): Promise<Receipt> {
  const ports = await clone.forWriting();
  const target = await whereTo(clone);
  const { kept, repeated } = lastOfEach(request.operations);
  const warnings = repeated.map((key) => `key ${quoteKey(key)} stands there more than once: the last operation wins`);
  const askFirst = request.retry === false || ((await knownPolicy(clone)) === null && request.dryRun !== true);
  if (target === 'stargate' && askFirst) await fetchNamespace(clone, request.ns, 'stargate');
  for (let attempt = 0; ; attempt++) {
    const tip = await newestTip(clone, request.ns);
    await checkExpectations(clone, request, tip);
    const draft = await build(clone, ports, request, kept, tip);
    if (request.strictDelete === true) requireDeleted(request, draft, kept);
    const changed = draft.set.length + draft.del.length > 0;
    const report = (commit: Oid | null, landed: Receipt['landed']): Receipt =>
      receipt(request, draft, tip, commit, landed, attempt, warnings);
    if (!changed || request.dryRun === true) return report(null, 'nowhere');
    const { commit, warning } = await signAndStore(clone, ports, draft, target);
    if (warning !== null && attempt === 0) warnings.push(warning);
    try {
      await land(clone, request.ns, tip, commit, draft, target);
      return report(commit, target);
    } catch (error) {
      const lost = KvError.is(error) && error.code === 'CAS_CONFLICT';
      if (!lost || request.retry === false || request.expectTree !== undefined || attempt + 1 >= MAX_ATTEMPTS) throw error;
      await pause(clone, ports, attempt);
      if (target === 'stargate') await fetchNamespace(clone, request.ns, 'stargate');
    }
  }
}

/** Where writes of this clone go. A repository without any remote keeps its own ledger. */
async function whereTo(clone: Clone): Promise<'stargate' | 'clone'> {
  if ((await clone.transport.url(clone.remote, 'write')) !== null) return 'stargate';
  if ((await clone.transport.url(clone.remote, 'read')) !== null) throw notSetUp(clone.remote);
  return 'clone';
}

async function checkExpectations(clone: Clone, { ns, expectTree, expectBlobs }: WriteRequest, tip: Tip | null): Promise<void> {
  if (expectTree !== undefined && tip?.commit.tree !== expectTree) {
    throw new KvError(
      'CAS_CONFLICT',
      `the ledger of namespace ${ns} has tree ${tip?.commit.tree ?? 'none'}, expected ${expectTree}`,
      {
        hint: 'read the newest state (git kv get KEY --json gives its tree) and decide again',
        details: { tree: tip?.commit.tree ?? null },
      },
    );
  }
  for (const [key, expected] of expectBlobs ?? []) {
    const { data, manifest } = pathsOf(ns, placeOf(key, clone.hasher));
    const found = tip === null ? [] : await clone.store.readPaths(tip.commit.tree, [data, manifest]);
    const actual = found[0]?.oid ?? found[1]?.oid ?? null;
    if (actual === expected) continue;
    throw new KvError('CAS_CONFLICT', `key ${quoteKey(key)} has blob ${actual ?? 'none'}, expected ${expected ?? 'none'}`, {
      hint: 'read the key again (git kv get KEY --json) and decide again',
      details: { key, blob: actual },
    });
  }
}

async function build(
  clone: Clone,
  ports: WritingPorts,
  request: WriteRequest,
  kept: readonly RequestedOperation[],
  tip: Tip | null,
): Promise<Draft> {
  const { clock, store, config } = clone;
  const now = clock.now();
  const identity = await config.identity();
  const author = /<([^>]*)>/.exec(identity)?.[1] ?? identity;
  const policy = (await knownPolicy(clone))?.namespaces.get(request.ns) ?? null;
  const operations = kept.map((operation) =>
    completeOperation({ ns: request.ns, policy, hasher: ports.hasher, author, now }, operation),
  );
  const context = {
    store,
    namer: namerOf(clone, ports.hasher),
    ns: request.ns,
    identity,
    now,
    txn: newUlid(clock, ports.randomness),
  };
  const withSubject = request.subject === undefined ? context : { ...context, subject: request.subject };
  return buildTransaction(withSubject, baseOf(tip, now), operations);
}

/** The state that a transaction builds on. */
export function baseOf(tip: Tip | null, now: number): Base {
  if (tip === null) return { ledger: null, index: null, epoch: firstEpochLabel(now), parentEpoch: null };
  if (tip.index === null) {
    throw new KvError('GIT_ERROR', `this clone has ledger commit ${tip.ledger} but not its index`, {
      hint: 'fetch it: git kv list --read-from=stargate --limit 1',
    });
  }
  return {
    ledger: { commit: tip.ledger, tree: tip.commit.tree },
    index: { commit: tip.index, tree: tip.trailers.indexTree },
    epoch: tip.trailers.epoch,
    parentEpoch: tip.trailers.parentEpoch,
  };
}

function requireDeleted({ ns }: WriteRequest, draft: Draft, kept: readonly RequestedOperation[]): void {
  const deletions = new Set(kept.filter(({ op }) => op === 'del').map(({ key }) => key));
  const missing = draft.unchanged.filter((key) => deletions.has(key));
  if (missing.length === 0) return;
  throw new KvError('NOT_FOUND', `no key ${missing.map(quoteKey).join(', ')} in namespace ${ns}: nothing was deleted`, {
    hint: `see what there is: git kv --ns ${ns} list`,
  });
}

/** Signs the ledger commit and writes everything as one pack. */
async function signAndStore(
  clone: Clone,
  ports: WritingPorts,
  draft: Draft,
  target: 'stargate' | 'clone',
): Promise<{ commit: Oid; warning: string | null }> {
  const { objectFormat } = clone.store;
  const { signature, warning } = await sign(clone, ports, encodeCommit(draft.ledgerCommit, objectFormat), draft, target);
  const commit: NewObject = namerOf(clone, ports.hasher).object(
    'commit',
    encodeCommit({ ...draft.ledgerCommit, signature }, objectFormat),
  );
  await clone.store.write([...draft.objects, commit]);
  return { commit: commit.oid, warning };
}

/** Without a signing key, a ledger of this clone alone is written unsigned, and one whose policy takes unsigned commits. */
async function sign(
  clone: Clone,
  { signer }: WritingPorts,
  payload: Uint8Array,
  draft: Draft,
  target: 'stargate' | 'clone',
): Promise<{ signature: string | null; warning: string | null }> {
  try {
    return { signature: await signer.sign(payload), warning: null };
  } catch (error) {
    const ns = parseLedgerMessage(draft.ledgerCommit.message, 'new').ns;
    const optional = target === 'clone' || (await knownPolicy(clone))?.namespaces.get(ns)?.requireSignedCommits === false;
    if (!optional || !KvError.is(error) || error.code !== 'CONFIG_INVALID') throw error;
    return { signature: null, warning: `the commit is not signed: ${error.message}` };
  }
}

async function land(
  clone: Clone,
  ns: string,
  tip: Tip | null,
  commit: Oid,
  draft: Draft,
  target: 'stargate' | 'clone',
): Promise<void> {
  const begins = tip === null;
  const moves = [
    { ref: ledgerRef(ns), old: tip?.ledger ?? null, next: commit },
    { ref: indexRef(ns), old: tip?.index ?? null, next: draft.indexCommit.oid },
    ...(begins ? [{ ref: epochRef(ns), old: null, next: commit }] : []),
  ];
  if (target === 'clone') return clone.store.updateRefs(moves, `kv: ${draft.txn}`);
  const updates = begins ? moves : [...moves, ...(await unpublishedEpoch(clone, ns))];
  await clone.transport.push(clone.remote, updates, { atomic: true, progress: clone.progress });
  await remember(clone, ns, updates);
}

/** A ledger that was begun in this clone, before it knew of a Stargate, brings its epoch ref with its first push. */
async function unpublishedEpoch(clone: Clone, ns: string): Promise<RefUpdate[]> {
  const local = epochRef(ns);
  const published = (['mirror', 'stargate'] as const).map((source) => trackingRef(source, ledgerRef(ns)));
  const refs = await clone.store.refs([local, ...published]);
  const begun = refs.get(local);
  return begun === undefined || published.some((ref) => refs.has(ref)) ? [] : [{ ref: local, old: null, next: begun }];
}

/** Keeps what landed, as this clone's own tips and as the Stargate's, so that the next write and read build on it. */
async function remember(clone: Clone, ns: string, updates: readonly RefUpdate[]): Promise<void> {
  const names = updates.flatMap(({ ref, next }) => [
    { ref, next },
    { ref: trackingRef('stargate', ref), next },
  ]);
  const refs = await clone.store.refs(names.map(({ ref }) => ref));
  try {
    await clone.store.updateRefs(
      names.map(({ ref, next }) => ({ ref, old: refs.get(ref) ?? null, next })),
      `kv: pushed to ${ns}`,
    );
  } catch (error) {
    // Another command in this clone has moved them at the same moment: the write has landed all the same.
    if (!KvError.is(error) || error.code !== 'CAS_CONFLICT') throw error;
  }
}

async function pause(clone: Clone, { randomness }: WritingPorts, attempt: number): Promise<void> {
  const longest = Math.min(FIRST_PAUSE_MS * 2 ** attempt, LAST_PAUSE_MS);
  await clone.clock.sleep(Math.round((longest * (randomness.bytes(1)[0] as number)) / 255));
}

function receipt(
  request: WriteRequest,
  draft: Draft,
  tip: Tip | null,
  commit: Oid | null,
  landed: Receipt['landed'],
  retries: number,
  warnings: readonly string[],
): Receipt {
  const deletions = new Set(request.operations.filter(({ op }) => op === 'del').map(({ key }) => key));
  const absent = draft.unchanged
    .filter((key) => deletions.has(key))
    .map((key) => `key ${quoteKey(key)} is not there: nothing to delete`);
  return {
    ns: request.ns,
    commit,
    txn: commit === null ? null : draft.txn,
    epoch: tip?.trailers.epoch ?? draft.ledgerCommit.message.match(/^Epoch: (.*)$/m)?.[1] ?? '',
    tree: draft.set.length + draft.del.length > 0 ? draft.ledgerCommit.tree : (tip?.commit.tree ?? null),
    set: draft.set,
    del: draft.del,
    unchanged: draft.unchanged,
    bytes: draft.bytes,
    retries,
    landed,
    warnings: [...warnings, ...absent],
  };
}
