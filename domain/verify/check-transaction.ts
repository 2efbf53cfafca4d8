import type { Randomness } from '../../ports/clock.js';
import type { NamespacePolicy, PolicyKey } from '../../ports/stargate/policy-reader.js';
import type { SignatureVerifier, TrustedKey } from '../../ports/clone/signer.js';
import type { Oid } from '../../ports/vocabulary.js';
import { checkBinding, checkCounts, type Parent } from './attestation/binding.js';
import { type Fault, type RuleContext, throwFault } from './fault.js';
import { checkSequenced, isSequenced } from './sequenced.js';
import { checkIndexStep } from './index/index-step.js';
import { checkPresentPointers } from './index/present-pointers.js';
import { ledgerChanges } from './keys/ledger-changes.js';
import { chunksIn } from './keys/manifests.js';
import { checkDigests, checkNewChunks } from './keys/new-chunks.js';
import type { PushedTransaction } from './attestation/pairs.js';
import { checkRepository, type RepositoryRule } from './attestation/repository.js';
import { sample } from './sample.js';
import { anySigner, signerOf } from './attestation/commit-signer.js';
import { checkAllValues } from './keys/values.js';

/** What a transaction is judged by. */
interface TransactionContext extends RuleContext {
  readonly verifier: SignatureVerifier;
  readonly randomness: Randomness;
  /** Null: history that is being adopted. Any valid signature is taken, and no size or prefix is checked. */
  readonly policy: NamespacePolicy | null;
  /** The OpenPGP keys that signatures of adopted history can be checked against. */
  readonly keysAtHand?: readonly TrustedKey[];
  /** The daemon's `--sample-size`, for a policy that doesn't say. */
  readonly sampleSize: number;
  /** The keys with which commits are signed that are made of intents; absent: there may be none, as in what a writer pushes. */
  readonly sequencers?: readonly PolicyKey[] | undefined;
  /** Which repository it must be for; absent: any. */
  readonly repository?: RepositoryRule | undefined;
}

/** The state that a transaction builds on: its parents' trees, and the epoch they are in. Nulls: the namespace is new. */
export interface ParentState extends Parent {
  readonly indexTree: Oid | null;
  readonly chunksTree: Oid | null;
  readonly epoch: string | null;
  readonly parentEpoch: string | null;
}

/** What came of judging a transaction. */
interface JudgedTransaction {
  /** The signing key's name in the policy, its fingerprint-like id when adopted, `-` when there is no sound signature. */
  readonly signer: string;
  readonly set: number;
  readonly del: number;
  readonly state: ParentState;
}

/**
 * Checks one transaction against the state it builds on: attestation, signature, policy, index.
 * Constant work for the binding of the trees, and work in the number of changed keys for the rest.
 */
export async function checkTransaction(
  context: TransactionContext,
  pushed: PushedTransaction,
  parent: ParentState,
): Promise<JudgedTransaction> {
  const { ns, policy, emit } = context;
  const { ledger, index } = pushed;
  checkBinding(emit, ns, pushed, parent);
  if (context.repository !== undefined) checkRepository(emit, ledger.oid, ledger.trailers.repository, context.repository);
  const signer = await checkSignature(context, pushed, parent.ledgerTree);
  const { changes, torn } = await ledgerChanges(context, parent.ledgerTree, ledger.commit.tree);
  const set = changes.filter(({ op }) => op === 'set').length;
  const del = changes.length - set;
  checkCounts(emit, ledger, set, del);
  const full = isFull(policy, changes.length);
  const chunksTree = await checkChunks(context, pushed, parent.chunksTree);
  const size = policy?.verify.sampleSize ?? context.sampleSize;
  const request = {
    policy,
    txn: ledger.trailers.txn,
    sizesFirst: true,
    findChunks: chunksIn(context, chunksTree),
    content: false,
    digests: full ? ('all' as const) : new Set(sample(changes, size, context.randomness).map(({ key }) => key)),
  };
  const pointers = await checkAllValues(context, request, changes);
  for (const key of torn) pointers.set(key, null);
  const files = await checkIndexStep(context, { before: parent.indexTree, after: index.commit.tree, pointers }, full);
  await checkPresentPointers(context, files);
  const { epoch, parentEpoch } = ledger.trailers;
  const state = { ledgerTree: ledger.commit.tree, indexTree: index.commit.tree, chunksTree, epoch, parentEpoch };
  return { signer, set, del, state };
}

/** Checks the chunks that a transaction adds; gives the chunks tree that its manifests may name. */
async function checkChunks(context: RuleContext, { chunks }: PushedTransaction, before: Oid | null): Promise<Oid | null> {
  if (chunks === null) return before;
  await checkDigests(context, await checkNewChunks(context, before, chunks.commit.tree));
  return chunks.commit.tree;
}

/** Gives the signer's name. Only the ledger commit is signed: its trailers bind the other trees. */
async function checkSignature(context: TransactionContext, { ledger }: PushedTransaction, before: Oid | null): Promise<string> {
  const { verifier, policy, keysAtHand = [], sequencers } = context;
  if (isSequenced(ledger)) {
    if (policy === null)
      return checkSequenced(context, { verifier, sequencers: null, listed: null, role: 'writer', keysAtHand }, ledger, before);
    if (sequencers === undefined) throwFault(madeOfIntent(ledger.oid));
    else return checkSequenced(context, { verifier, sequencers, listed: policy.writers, role: 'writer' }, ledger, before);
  }
  if (policy === null) return (await anySigner(context, verifier, ledger, keysAtHand))?.id ?? '-';
  if (ledger.commit.signature === null && !policy.requireSignedCommits) return '-';
  return signerOf(context, verifier, ledger, policy.writers, 'writer');
}

/** Only whoever orders intents makes ledger commits of them. */
export const madeOfIntent = (commit: Oid): Fault => ({
  code: 'ATTESTATION_MISMATCH',
  message: `commit ${commit} says that it was made of an intent (KV-Intent), and a writer has pushed it`,
  hint: 'push the intent itself, or write without that trailer',
  subject: { commit },
});

/** Whether every value and the whole index are recomputed, or what changed is compared and a sample of the values read. */
function isFull(policy: NamespacePolicy | null, changed: number): boolean {
  const verify = policy?.verify;
  return verify === undefined || verify.mode === 'full' || (verify.mode === 'auto' && changed <= verify.fullLimit);
}
