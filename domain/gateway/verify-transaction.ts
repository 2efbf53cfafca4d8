import type { Randomness } from '../../ports/clock.js';
import { KvError } from '../../ports/error.js';
import type { GitStore } from '../../ports/git-store.js';
import type { NamespacePolicy, PolicyKey } from '../../ports/policy-reader.js';
import type { SignatureVerifier } from '../../ports/signer.js';
import type { Oid } from '../../ports/vocabulary.js';
import { encodeCommit } from '../commit.js';
import { isEpochLabel } from '../ledger.js';
import type { ObjectNamer } from '../object.js';
import { isUlid } from '../ulid.js';
import type { PushedTransaction } from './chain.js';
import { ledgerChanges } from './ledger-changes.js';
import { type IndexCheck, verifyIndex } from './verify-index.js';
import { verifyValues } from './verify-values.js';

export interface VerifyContext {
  readonly store: GitStore;
  readonly namer: ObjectNamer;
  readonly verifier: SignatureVerifier;
  readonly randomness: Randomness;
  readonly ns: string;
  /** Null: history that is being adopted. Any valid signature is taken, and no size or prefix is checked. */
  readonly policy: NamespacePolicy | null;
  /** The daemon's `--sample-size`, for a policy that doesn't say. */
  readonly sampleSize: number;
}

/** The state that a transaction builds on: its parents' trees, and the epoch they are in. Nulls: the namespace is new. */
export interface ParentState {
  readonly ledgerTree: Oid | null;
  readonly indexTree: Oid | null;
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
  const check = indexCheck(context, changes.length);
  const pointers = await verifyValues(store, namer.hasher, { policy, ns, digests: check.mode === 'full' }, changes);
  await verifyIndex(store, namer, context.randomness, check, {
    ns,
    before: parent.indexTree,
    after: pushed.index.commit.tree,
    pointers,
  });
  return {
    signer,
    set,
    del,
    state: {
      ledgerTree: pushed.ledger.commit.tree,
      indexTree: pushed.index.commit.tree,
      epoch: trailers.epoch,
      parentEpoch: trailers.parentEpoch,
    },
  };
}

/** Holds the trailers against the trees that were really pushed. */
function checkBinding({ ns }: VerifyContext, pushed: PushedTransaction, parent: ParentState): void {
  const { ledger, index } = pushed;
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
  expect('KV-Chunks-Tree', t.chunksTree, null);
  if (!isEpochLabel(t.epoch)) throw mismatch(pushed, 'Epoch is no legal label');
  if (parent.epoch !== null) expect('Epoch', t.epoch, parent.epoch);
  expect('Parent-Epoch', t.parentEpoch, parent.parentEpoch);
  expect('Parent-Ledger', t.parentLedger, null);
}

/** Gives the signer's name. Only the ledger commit is signed: its trailers bind the other trees. */
async function checkSignature({ namer, verifier, policy, ns }: VerifyContext, { ledger }: PushedTransaction): Promise<string> {
  const { signature } = ledger.commit;
  if (signature === null) {
    if (policy !== null && !policy.requireSignedCommits) return '-';
    throw new KvError('SIGNATURE_MISSING', `commit ${ledger.oid} is not signed`, {
      hint: 'set user.signingKey and gpg.format, as docs/ERRORS.md shows, and write through git kv',
    });
  }
  const payload = encodeCommit({ ...ledger.commit, signature: null }, namer.format);
  const writers = policy?.writers ?? [];
  const key = await verifier.verify(payload, signature, writers);
  if (policy === null) return key.id;
  const writer = await whoseKey(key, writers, verifier, payload, signature);
  if (writer !== undefined) return writer.name;
  throw new KvError('SIGNER_UNKNOWN', `commit ${ledger.oid} is signed by a key that is no writer of namespace ${ns}`, {
    hint: 'an admin can add the key to namespaces.' + ns + '.writers in the policy',
  });
}

/** The writer that a key belongs to. An OpenPGP signature names a fingerprint, so each listed block is tried by itself. */
async function whoseKey(
  key: { readonly kind: string; readonly id: string },
  writers: readonly PolicyKey[],
  verifier: SignatureVerifier,
  payload: Uint8Array,
  signature: string,
): Promise<PolicyKey | undefined> {
  if (key.kind === 'ssh') return writers.find((writer) => writer.kind === 'ssh' && writer.material === key.id);
  for (const writer of writers.filter(({ kind }) => kind === 'openpgp')) {
    try {
      if ((await verifier.verify(payload, signature, [writer])).id === key.id) return writer;
    } catch (error) {
      if (!KvError.is(error) || error.code !== 'SIGNER_UNKNOWN') throw error; // not this writer's key: the next one's, perhaps
    }
  }
  return undefined;
}

function indexCheck({ policy, sampleSize }: VerifyContext, changed: number): IndexCheck {
  const verify = policy?.verify;
  if (verify === undefined || verify.mode === 'full') return { mode: 'full' };
  if (verify.mode === 'auto' && changed <= verify.fullLimit) return { mode: 'full' };
  return { mode: 'sampled', size: verify.sampleSize ?? sampleSize };
}

function mismatch({ ledger }: PushedTransaction, what: string): KvError {
  return new KvError('ATTESTATION_MISMATCH', `commit ${ledger.oid}: ${what}`, {
    hint: 'write through git kv, or compare with docs/FORMAT.md',
  });
}
