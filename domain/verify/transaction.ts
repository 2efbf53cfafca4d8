import type { Randomness } from '../../ports/clock.js';
import { KvError } from '../../ports/error.js';
import type { GitStore } from '../../ports/git-store.js';
import type { NamespacePolicy } from '../../ports/policy-reader.js';
import type { SignatureVerifier, TrustedKey } from '../../ports/signer.js';
import type { Oid } from '../../ports/vocabulary.js';
import { isEpochLabel } from '../ledger/paths.js';
import type { ObjectNamer } from '../git/object.js';
import { sample } from './sample.js';
import { isUlid } from '../ledger/ulid.js';
import type { PushedTransaction } from './chain.js';
import { ledgerChanges } from './ledger-changes.js';
import { verifyNewChunks } from './chunks.js';
import { compareIndex, recomputeIndex } from './index-tree.js';
import { verifyAnySigner, verifySigner } from './signer.js';
import { verifyValues } from './values.js';

export interface VerifyContext {
  readonly store: GitStore;
  readonly namer: ObjectNamer;
  readonly verifier: SignatureVerifier;
  readonly randomness: Randomness;
  readonly ns: string;
  /** Null: history that is being adopted. Any valid signature is taken, and no size or prefix is checked. */
  readonly policy: NamespacePolicy | null;
  /** The OpenPGP keys that signatures of adopted history can be checked against. */
  readonly keysAtHand?: readonly TrustedKey[];
  /** The daemon's `--sample-size`, for a policy that doesn't say. */
  readonly sampleSize: number;
}

/** The state that a transaction builds on: its parents' trees, and the epoch they are in. Nulls: the namespace is new. */
export interface ParentState {
  readonly ledgerTree: Oid | null;
  readonly indexTree: Oid | null;
  readonly chunksTree: Oid | null;
  readonly epoch: string | null;
  readonly parentEpoch: string | null;
}

export interface VerifiedTransaction {
  /** The signing key's name in the policy, its fingerprint-like id when adopted, `-` when unsigned. */
  readonly signer: string;
  readonly set: number;
  readonly del: number;
  readonly state: ParentState;
}

/**
 * Verifies one transaction against the state it builds on: attestation, signature, policy, index.
 * Constant work for the binding of the trees, and work in the number of changed keys for the rest.
 */
export async function verifyTransaction(
  context: VerifyContext,
  pushed: PushedTransaction,
  parent: ParentState,
): Promise<VerifiedTransaction> {
  checkBinding(context, pushed, parent);
  const signer = await checkSignature(context, pushed);
  const { store, namer, ns, policy } = context;
  const empty = namer.emptyTree();
  const orNull = (tree: Oid | null): Oid | null => (tree === empty ? null : tree);
  const changes = await ledgerChanges(store, namer.hasher, ns, orNull(parent.ledgerTree), orNull(pushed.ledger.commit.tree));
  const set = changes.filter(({ op }) => op === 'set').length;
  const del = changes.length - set;
  const { trailers } = pushed.ledger;
  if (set !== trailers.keysSet || del !== trailers.keysDel) {
    throw mismatch(
      pushed,
      `Keys-Set ${trailers.keysSet} and Keys-Del ${trailers.keysDel}, but the trees set ${set} and delete ${del}`,
    );
  }
  const full = isFull(policy, changes.length);
  const chunksTree = await checkChunks(context, pushed, parent.chunksTree);
  const size = policy?.verify.sampleSize ?? context.sampleSize;
  const digests = full ? ('all' as const) : new Set(sample(changes, size, context.randomness).map(({ key }) => key));
  const pointers = await verifyValues(store, namer.hasher, { policy, ns, txn: trailers.txn, chunksTree, digests }, changes);
  const transition = { ns, before: parent.indexTree, after: pushed.index.commit.tree, pointers };
  await (full ? recomputeIndex(store, namer, transition) : compareIndex(store, namer, transition));
  return {
    signer,
    set,
    del,
    state: {
      ledgerTree: pushed.ledger.commit.tree,
      indexTree: pushed.index.commit.tree,
      chunksTree,
      epoch: trailers.epoch,
      parentEpoch: trailers.parentEpoch,
    },
  };
}

/** Holds the trailers against the trees that were really pushed. */
function checkBinding({ ns }: VerifyContext, pushed: PushedTransaction, parent: ParentState): void {
  const { ledger, index, chunks } = pushed;
  const t = ledger.trailers;
  const expect = (what: string, actual: string | null, wanted: string | null): void => {
    if (actual !== wanted) throw mismatch(pushed, `${what} is ${actual ?? '-'}, expected ${wanted ?? '-'}`);
  };
  expect('KV-NS', t.ns, ns);
  expect('KV-NS of the index commit', index.trailers.ns, ns);
  if (!isUlid(t.txn)) throw mismatch(pushed, 'KV-Txn is no ULID');
  expect('KV-Txn of the index commit', index.trailers.txn, t.txn);
  expect('Base-Tree', t.baseTree, parent.ledgerTree);
  expect('KV-Index-Tree', t.indexTree, index.commit.tree);
  expect('KV-Ledger-Tree', index.trailers.ledgerTree, ledger.commit.tree);
  expect('KV-Chunks-Tree', t.chunksTree, chunks?.commit.tree ?? null);
  if (chunks !== null) {
    expect('KV-NS of the chunks commit', chunks.trailers.ns, ns);
    expect('KV-Txn of the chunks commit', chunks.trailers.txn, t.txn);
  }
  if (!isEpochLabel(t.epoch)) throw mismatch(pushed, 'Epoch is no legal label');
  if (parent.epoch !== null) expect('Epoch', t.epoch, parent.epoch);
  expect('Parent-Epoch', t.parentEpoch, parent.parentEpoch);
  expect('Parent-Ledger', t.parentLedger, null);
}

/** Checks the chunks that a transaction adds; gives the chunks tree that its manifests may name. */
async function checkChunks(
  { store, namer, ns }: VerifyContext,
  { chunks }: PushedTransaction,
  before: Oid | null,
): Promise<Oid | null> {
  if (chunks === null) return before;
  await verifyNewChunks(store, namer.hasher, ns, before, chunks.commit.tree);
  return chunks.commit.tree;
}

/** Gives the signer's name. Only the ledger commit is signed: its trailers bind the other trees. */
async function checkSignature(
  { namer, verifier, policy, ns, keysAtHand }: VerifyContext,
  { ledger }: PushedTransaction,
): Promise<string> {
  const signed = { ns, oid: ledger.oid, commit: ledger.commit, namer };
  if (policy === null) return verifyAnySigner(verifier, signed, keysAtHand ?? []);
  if (ledger.commit.signature === null && !policy.requireSignedCommits) return '-';
  return verifySigner(verifier, signed, policy.writers, 'writer');
}

/** Whether every value and the whole index are recomputed, or what changed is compared and a sample of the values read. */
function isFull(policy: NamespacePolicy | null, changed: number): boolean {
  const verify = policy?.verify;
  return verify === undefined || verify.mode === 'full' || (verify.mode === 'auto' && changed <= verify.fullLimit);
}

function mismatch({ ledger }: PushedTransaction, what: string): KvError {
  return new KvError('ATTESTATION_MISMATCH', `commit ${ledger.oid}: ${what}`, {
    hint: 'write through a client of git-kv, or compare with docs/FORMAT.md',
    advice: { id: 'write-through-client' },
  });
}
