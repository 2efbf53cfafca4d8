import { KvError } from '../../../ports/error.js';
import type { GitStore, NewObject } from '../../../ports/git/git-store.js';
import type { Oid, WatchEvent } from '../../../ports/vocabulary.js';
import {
  type LedgerTrailers,
  parseChunksMessage,
  parseIndexMessage,
  parseLedgerMessage,
} from '../../ledger/transaction/attestation.js';
import { type Commit, decodeCommit } from '../../git/commit.js';
import { archiveMessage, checkFreshLabel, liveChunks, liveIndex } from '../../ledger/epoch.js';
import { isEpochLabel } from '../../../ports/grammar/namespace.js';
import { formatTime } from '../../ledger/value/metadata.js';
import { refsOfLabel } from '../../ledger/refs.js';
import { isUlid } from '../../ledger/ulid.js';
import type { NamespacePush } from './ref-rules.js';
import { stateAt, type ValidationContext } from './validation-context.js';
import type { Link } from '../../verify/attestation/chain.js';
import { madeOfIntent, type ParentState } from '../../verify/check-transaction.js';
import { type Expect, expectation, expectChunks, expectIndex } from '../../verify/attestation/binding.js';
import { type RuleContext, throwFault } from '../../verify/fault.js';
import { checkSequenced, isSequenced } from '../../verify/sequenced.js';
import { checkRepository } from '../../verify/attestation/repository.js';
import { signerOf } from '../../verify/attestation/commit-signer.js';

/** What to do about a push that is no beginning of an epoch. */
const BEGIN_EPOCH = { hint: 'begin an epoch through a client of git-kv', advice: { id: 'begin-epoch' } } as const;

/**
 * Checks the one push that moves a ledger to a commit that doesn't follow from its tip: the beginning of an epoch. Everything in it
 * is a function of the old tips but the label, the time and the signature, and is recomputed here.
 * Throws `REF_FORBIDDEN`, `ATTESTATION_MISMATCH`, `SIGNATURE_*`, `SIGNER_UNKNOWN`, `CAS_CONFLICT`,
 * `CONFIG_INVALID` where the mirror would not take it.
 */
export async function validateRollover(context: ValidationContext, push: NamespacePush, store: GitStore): Promise<WatchEvent> {
  const { ns, ledger, index, epoch, chunks, archive } = push;
  const { namer, clock } = context;
  if (ledger.old === null || index.old === null || epoch === null || archive === null) {
    throw new KvError('REF_FORBIDDEN', `namespace ${ns} does not exist, so that no epoch of it can end`);
  }
  const state = await stateAt(store, ns, ledger.old, index.old);
  const root = await rootCommit(store, ledger.ref, ledger.next as Oid);
  const t = parseLedgerMessage(root.commit.message, root.oid);
  const indexRoot = await rootCommit(store, index.ref, index.next as Oid);
  const check = expectation(throwFault, root.oid, ' begins no epoch', BEGIN_EPOCH);
  checkLedger(check, ns, t, state, root.commit, indexRoot.commit, ledger.old);
  expectIndex(check, ns, t, parseIndexMessage(indexRoot.commit.message, indexRoot.oid), root.commit.tree);
  check('the epoch ref', epoch.next, root.oid);
  if (context.repository !== undefined) checkRepository(throwFault, root.oid, t.repository, context.repository);
  await checkLabel(store, ns, t.epoch, state);
  await checkArchive(check, store, ns, state, archive, [ledger.old, index.old]);
  // Who may not begin an epoch costs a signature, and not an index.
  const rules = { store, namer, ns, emit: throwFault };
  const signer = await signerOfRollover(rules, context, { ...root, trailers: t }, state.ledgerTree);

  const built: NewObject[] = [];
  check('the index tree', t.indexTree, await liveIndex(store, namer, ns, state.indexTree as Oid, built));
  const wanted = await liveChunks(store, namer, ns, root.commit.tree, built);
  check('KV-Chunks-Tree', t.chunksTree, wanted);
  check('the chunks ref', chunks?.epoch ?? null, wanted === null ? null : t.epoch);
  if (chunks !== null) await checkChunksRoot(check, store, ns, t, chunks.ref, chunks.next as Oid);
  const refused = await context.newEpochs?.();
  if (refused) throw refused;
  const received = formatTime(clock.now());
  return { v: 1, ns, epoch: t.epoch, oid: root.oid, txn: t.txn, received, signer, set: 0, del: 0, parentEpoch: state.epoch };
}

/** The admin who signed it, or the intent of which the Stargate has made it. */
async function signerOfRollover(
  rules: RuleContext,
  { verifier, policy: { admins }, sequencers }: ValidationContext,
  root: Link & { readonly trailers: LedgerTrailers },
  before: Oid | null,
): Promise<string> {
  if (!isSequenced(root)) return signerOf(rules, verifier, root, admins, 'admin');
  if (sequencers === undefined) throwFault(madeOfIntent(root.oid));
  return checkSequenced(rules, { verifier, sequencers: sequencers ?? [], listed: admins, role: 'admin' }, root, before);
}

function checkLedger(
  check: Expect,
  ns: string,
  t: LedgerTrailers,
  state: ParentState,
  root: Commit,
  index: Commit,
  oldTip: Oid,
): void {
  check('KV-NS', t.ns, ns);
  check('KV-Txn', isUlid(t.txn) ? 'a ULID' : 'no ULID', 'a ULID');
  check('the ledger tree', root.tree, state.ledgerTree);
  check('Base-Tree', t.baseTree, state.ledgerTree);
  check('KV-Index-Tree', t.indexTree, index.tree);
  check('Keys-Set', t.keysSet, 0);
  check('Keys-Del', t.keysDel, 0);
  check('Parent-Epoch', t.parentEpoch, state.epoch);
  check('Parent-Ledger', t.parentLedger, oldTip);
  check('Epoch', isEpochLabel(t.epoch) ? 'legal' : 'no legal label', 'legal');
}

async function checkLabel(store: GitStore, ns: string, label: string, state: ParentState): Promise<void> {
  const refs = await store.refs(refsOfLabel(ns, label));
  checkFreshLabel(ns, label, refs.size > 0 || label === state.epoch || label === state.parentEpoch);
}

async function checkChunksRoot(
  check: Expect,
  store: GitStore,
  ns: string,
  t: LedgerTrailers,
  ref: string,
  oid: Oid,
): Promise<void> {
  const { commit } = await rootCommit(store, ref, oid);
  const trailers = parseChunksMessage(commit.message, oid);
  check('the chunks tree', commit.tree, t.chunksTree);
  expectChunks(check, ns, t, trailers);
}

async function checkArchive(
  check: Expect,
  store: GitStore,
  ns: string,
  state: ParentState,
  archive: { readonly ref: string; readonly epoch: string; readonly next: Oid | null },
  tips: readonly Oid[],
): Promise<void> {
  const oid = archive.next as Oid;
  const commit = await readCommit(store, archive.ref, oid);
  check('the archive ref', archive.epoch, state.epoch);
  check('the archive’s parents', commit.parents.join(' '), tips.join(' '));
  check('the archive’s tree', commit.tree, state.ledgerTree);
  check('the archive’s message', commit.message, archiveMessage(ns, archive.epoch));
}

async function rootCommit(store: GitStore, ref: string, oid: Oid): Promise<{ oid: Oid; commit: Commit }> {
  const commit = await readCommit(store, ref, oid);
  if (commit.parents.length === 0) return { oid, commit };
  throw new KvError('REF_FORBIDDEN', `${ref} begins an epoch with ${oid}, which has a parent`, {
    ...BEGIN_EPOCH,
  });
}

async function readCommit(store: GitStore, ref: string, oid: Oid): Promise<Commit> {
  const [object] = await store.read([oid]);
  if (object?.type === 'commit') return decodeCommit(object.body, oid, store.objectFormat);
  throw new KvError('REF_FORBIDDEN', `${ref} points to ${oid}, which is no commit`);
}
