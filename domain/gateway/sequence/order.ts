import { KvError } from '../../../ports/error.js';
import type { NewObject } from '../../../ports/git/git-store.js';
import type { Signer } from '../../../ports/clone/signer.js';
import type { Oid, WatchEvent } from '../../../ports/vocabulary.js';
import { type Commit, encodeCommit } from '../../git/commit.js';
import type { ObjectNamer } from '../../git/object.js';
import type { Ordered } from '../../git/wire/intent-frames.js';
import { nothingToDelete, nothingToKeep, otherBlob, otherTree } from '../../ledger/intent/conflicts.js';
import { appendIntent } from '../../ledger/intent/intents-log.js';
import { operationsOf } from '../../ledger/intent/intent-plan.js';
import { formatTime } from '../../ledger/value/metadata.js';
import { pathsOf, placeOf } from '../../ledger/paths.js';
import { buildTransaction, type Draft } from '../../ledger/transaction/transaction.js';
import { ulidTime } from '../../ledger/ulid.js';
import { appendEvents, STARGATE_IDENTITY } from '../../ledger/transaction/watchlog.js';
import { type RuleContext, throwFault, wrongKey } from '../../verify/fault.js';
import { chunksIn } from '../../verify/keys/manifests.js';
import { keptTtls } from '../../verify/sequenced.js';
import { blobsAt } from '../../verify/trees.js';
import type { SoundIntent } from './check-intent.js';
import type { LedgerState } from './ledger-state.js';

/** What ordering takes. `store` has the trees of the state, and what was built before in the same go. */
export interface OrderContext extends Pick<RuleContext, 'store' | 'namer'> {
  readonly signer: Pick<Signer, 'sign'>;
  /** This repository's id. */
  readonly repositoryId: string;
  /** Milliseconds. */
  readonly now: number;
}

/** An intent that has its place. */
export interface OrderedIntent {
  readonly answer: Ordered;
  readonly state: LedgerState;
  /** What is to be written, besides what the intent has brought. */
  readonly objects: readonly NewObject[];
  /** Null when nothing was changed: then nothing moves. */
  readonly event: WatchEvent | null;
}

/**
 * Judges an intent against the state that it comes upon, and makes a ledger commit of it: author and text are the writer's, the rest
 * is the sequencer's. Throws `CAS_CONFLICT` for an expectation that does not hold, or an epoch that has ended; `NOT_FOUND`, `EXPIRED`,
 * `ATTESTATION_MISMATCH` for chunks that are nowhere.
 */
export async function orderIntent(context: OrderContext, state: LedgerState, sound: SoundIntent): Promise<OrderedIntent> {
  const { namer, now } = context;
  const { intent, signer } = sound;
  const { ns, txn } = intent.trailers;
  const { base } = state;
  const rules = { ...context, ns, emit: throwFault };
  requireEpoch(state, sound);
  await requireExpected(rules, state, sound);
  await requireChunks(rules, state, sound);
  const kept = await ttlsToKeep(rules, state, sound, now);
  const draft = await buildTransaction(
    {
      ...{ store: context.store, namer, ns, identity: STARGATE_IDENTITY, now, txn },
      ...{ repository: context.repositoryId, intent: intent.oid, subject: intent.text },
    },
    base,
    operationsOf(intent, { manifests: sound.manifests, kept }),
  );
  requireDeleted(sound, draft);
  const { set, del, unchanged, lostTtl } = draft;
  const counts = { set: set.length, del: del.length, unchanged, lostTtl, retried: false };
  if (set.length + del.length === 0) {
    const parent = base.ledger?.commit ?? null;
    const answer = { ns, txn, commit: null, parent, tree: base.ledger?.tree ?? null, epoch: base.epoch, ...counts };
    return { answer, state, objects: [], event: null };
  }
  const ledger = await signed(context, { ...draft.ledgerCommit, author: intent.commit.author });
  const intents = appendIntent(namer, state.intents, intent.oid, { ns, txn, ledger: ledger.oid }, now);
  const event: WatchEvent = {
    ...{ v: 1, ns, epoch: base.epoch, oid: ledger.oid, txn, received: formatTime(now), signer },
    ...{ set: set.length, del: del.length, parentEpoch: null },
  };
  const log = appendEvents(namer, state.watchlog, [event]);
  return {
    answer: {
      ns,
      txn,
      commit: ledger.oid,
      parent: base.ledger?.commit ?? null,
      tree: draft.ledgerCommit.tree,
      epoch: base.epoch,
      ...counts,
    },
    state: {
      ns,
      base: {
        ...base,
        ledger: { commit: ledger.oid, tree: draft.ledgerCommit.tree },
        index: { commit: draft.indexCommit.oid, tree: draft.indexTree },
        chunks: draft.chunksCommit === null ? base.chunks : { commit: draft.chunksCommit.oid, tree: draft.chunksTree as Oid },
      },
      intents: intents.at(-1)?.oid ?? null,
      watchlog: log.at(-1)?.oid ?? null,
      first: state.first ?? ledger.oid,
      since: state.since,
    },
    objects: [...draft.objects, ledger, ...intents, ...log],
    event,
  };
}

/** Signs a commit with the sequencer's key. */
export async function signed({ namer, signer }: Pick<OrderContext, 'namer' | 'signer'>, commit: Commit): Promise<NewObject> {
  const signature = await signer.sign(encodeCommit(commit, namer.format));
  return namer.object('commit', encodeCommit({ ...commit, signature }, namer.format));
}

/** An intent counts in the epoch that its writer knew; who knew none has made it in this one. */
export function requireEpoch({ base, since }: LedgerState, { intent }: SoundIntent): void {
  const { ns, epoch, txn } = intent.trailers;
  if (base.ledger === null || epoch === base.epoch) return;
  if (epoch === null && (since === null || ulidTime(txn) >= since)) return;
  throw new KvError(
    'CAS_CONFLICT',
    `namespace ${ns} is in epoch ${base.epoch}, and the intent is of ${epoch ?? 'one before it'}`,
    {
      hint: 'write again for the epoch that the namespace is in',
      details: { ns, epoch: base.epoch },
    },
  );
}

async function requireExpected(rules: RuleContext, { base }: LedgerState, { intent }: SoundIntent): Promise<void> {
  const { expect, expectTree } = intent.operations;
  const tree = base.ledger?.tree ?? null;
  if (expectTree !== undefined && expectTree !== tree) throw otherTree(rules.ns, tree, expectTree);
  const places = expect.map(({ key }) => pathsOf(rules.ns, placeOf(key, rules.namer.hasher)));
  const found = await blobsAt(
    rules,
    emptyAsNull(rules.namer, tree),
    places.flatMap(({ data, manifest }) => [data, manifest]),
  );
  for (const [i, { key, blob }] of expect.entries()) {
    const place = places[i] as (typeof places)[number];
    const actual = found.get(place.data) ?? found.get(place.manifest) ?? null;
    if (actual !== blob) throw otherBlob(key, actual, blob);
  }
}

/** Chunks that an intent does not bring are the epoch's: since it was checked, another epoch may have begun, without them. */
async function requireChunks(rules: RuleContext, { base }: LedgerState, { intent, manifests }: SoundIntent): Promise<void> {
  for (const [key, { chunks }] of manifests) {
    const wanted = chunks.filter(({ digest }) => !intent.chunks.has(digest));
    const found = await chunksIn(rules, base.chunks?.tree ?? null)(wanted.map(({ digest }) => digest));
    const missing = wanted.find(({ digest, blob }) => found?.get(digest) !== blob);
    if (missing !== undefined)
      throwFault(wrongKey(key, `chunk ${missing.digest.slice(0, 12)}… is not among the chunks of the epoch`, missing.blob));
  }
}

/** The TTLs that keys have which are to keep theirs; none of them has passed. */
async function ttlsToKeep(
  rules: RuleContext,
  { base }: LedgerState,
  { intent }: SoundIntent,
  now: number,
): Promise<ReadonlyMap<string, string>> {
  const kept = await keptTtls(rules, intent, emptyAsNull(rules.namer, base.ledger?.tree ?? null));
  for (const [key, ttl] of kept) if (Date.parse(ttl) <= now) throw nothingToKeep(key, ttl);
  return kept;
}

function requireDeleted({ intent }: SoundIntent, { unchanged }: Draft): void {
  const strict = new Set(intent.operations.ops.flatMap((one) => (one.op === 'del' && one.strict ? [one.key] : [])));
  const missing = unchanged.filter((key) => strict.has(key));
  if (missing.length > 0) throw nothingToDelete(intent.trailers.ns, missing);
}

/** The tree without entries need not be there. */
const emptyAsNull = (namer: ObjectNamer, tree: Oid | null): Oid | null => (tree === namer.emptyTree() ? null : tree);
