import type { Randomness } from '../../../ports/clock.js';
import { KvError } from '../../../ports/error.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { SignatureVerifier, TrustedKey } from '../../../ports/clone/signer.js';
import type { Oid, RefName } from '../../../ports/vocabulary.js';
import { USUAL_LIMITS } from '../../../ports/stargate/limits.js';
import type { Bounds } from '../../git/bounds.js';
import { decodeCommit } from '../../git/commit.js';
import { parseLedgerMessage } from '../../ledger/transaction/attestation.js';
import type { ObjectNamer } from '../../git/object.js';
import { boundedStore } from '../accept/bounded-store.js';
import { tooMuch } from '../limits/check-budget.js';
import { checkLimits } from '../limits/check-limits.js';
import { archiveRef, chunksRef, epochRef, indexRef, ledgerRef } from '../../ledger/refs.js';
import { checkBinding } from '../../verify/attestation/binding.js';
import { type Link, readChain } from '../../verify/attestation/chain.js';
import { throwFault } from '../../verify/fault.js';
import { ledgerChanges } from '../../verify/keys/ledger-changes.js';
import { checkIndexStep } from '../../verify/index/index-step.js';
import { chunksIn } from '../../verify/keys/manifests.js';
import { checkDigests, checkNewChunks } from '../../verify/keys/new-chunks.js';
import { pairInOrder, type PushedTransaction } from '../../verify/attestation/pairs.js';
import { type ParentState, checkTransaction } from '../../verify/check-transaction.js';
import { anySigner } from '../../verify/attestation/commit-signer.js';
import { checkAllValues } from '../../verify/keys/values.js';

/** What checking a mirror's ledgers takes, before a Stargate makes them its own. */
export interface AdoptionContext {
  readonly store: GitStore;
  readonly namer: ObjectNamer;
  readonly verifier: SignatureVerifier;
  readonly randomness: Randomness;
  /** The OpenPGP keys to check signatures against; SSH signatures carry theirs. */
  readonly keysAtHand: readonly TrustedKey[];
}

const NEW: ParentState = { ledgerTree: null, indexTree: null, chunksTree: null, epoch: null, parentEpoch: null };

/**
 * Verifies the whole history of a namespace, archived epochs included: every transaction's attestation, signature, values and
 * index. Gives the number of transactions. Throws `ATTESTATION_MISMATCH` or `SIGNATURE_*` naming the first commit that isn't sound.
 */
export async function verifyNamespace(unbounded: AdoptionContext, ns: string): Promise<number> {
  const context = boundedAdoption(unbounded);
  const { store } = context;
  const refs = await store.refs([ledgerRef(ns), indexRef(ns), epochRef(ns)]);
  const [ledger, index] = [refs.get(ledgerRef(ns)), refs.get(indexRef(ns))];
  if (ledger === undefined || index === undefined) {
    throw new KvError('ATTESTATION_MISMATCH', `namespace ${ns} has a ledger or an index, but not both`);
  }
  const current = await verifyEpoch(context, ns, ledger, index);
  if (refs.get(epochRef(ns)) !== current.root) {
    throw new KvError('ATTESTATION_MISMATCH', `${epochRef(ns)} does not point to the first ledger commit of the current epoch`);
  }
  let count = current.transactions;
  for (let below = current; below.parentEpoch !== null; ) {
    const ref = archiveRef(ns, below.parentEpoch);
    const archive = (await store.refs([ref])).get(ref);
    if (archive === undefined) break; // compacted away: what is left begins with a snapshot that was verified as one
    const [object] = await store.read([archive]);
    const [tip, indexTip] = object ? decodeCommit(object.body, archive, store.objectFormat).parents : [];
    if (tip !== below.parentLedger || indexTip === undefined) {
      throw new KvError('ATTESTATION_MISMATCH', `${ref} does not hold the ledger that epoch ${below.label} goes on from`);
    }
    const earlier = await verifyEpoch(context, ns, tip, indexTip);
    if (earlier.last !== below.first) {
      throw new KvError(
        'ATTESTATION_MISMATCH',
        `commit ${below.root} begins epoch ${below.label} with another state than epoch ${earlier.label} ended with`,
      );
    }
    below = earlier;
    count += below.transactions;
  }
  return count;
}

interface BoundedAdoption extends AdoptionContext {
  readonly bounds: Bounds;
}

/**
 * The same over a store that opens nothing that no Stargate takes by its usual limits, whatever the mirror has. What of it is held is
 * as much as the ledger has keys: adoption has its process to itself.
 */
function boundedAdoption(context: AdoptionContext): BoundedAdoption {
  const { objects, treeEntries, manifestBytes } = checkLimits(USUAL_LIMITS);
  const charge = (what: string, bytes: number): undefined => {
    if (bytes > USUAL_LIMITS.checkedBytes && what.startsWith('request')) throw tooMuch(bytes, USUAL_LIMITS.checkedBytes);
  };
  return { ...context, store: boundedStore(context.store, objects, { charge }), bounds: { treeEntries, manifestBytes } };
}

interface VerifiedEpoch {
  readonly label: string;
  readonly root: Oid;
  readonly parentEpoch: string | null;
  readonly parentLedger: Oid | null;
  /** The ledger trees that it begins and ends with. */
  readonly first: Oid;
  readonly last: Oid;
  readonly transactions: number;
}

async function verifyEpoch(context: BoundedAdoption, ns: string, ledger: Oid, index: Oid): Promise<VerifiedEpoch> {
  const { store } = context;
  const links = await wholeChain(store, ledgerRef(ns), ledger);
  const [root] = links;
  const label = root === undefined ? '' : parseLedgerMessage(root.commit.message, root.oid).epoch;
  const chains = {
    ledger: links,
    index: await wholeChain(store, indexRef(ns), index),
    chunks: await chunkLinks(store, ns, label),
  };
  const transactions = pairInOrder(throwFault, ns, chains);
  const [first, ...later] = transactions as [PushedTransaction, ...PushedTransaction[]];
  const { parentEpoch, parentLedger } = first.ledger.trailers;
  let state = parentEpoch === null ? await transition(context, ns, first, NEW) : await verifySnapshot(context, ns, first);
  for (const pushed of later) state = await transition(context, ns, pushed, state);
  const trees = { first: first.ledger.commit.tree, last: (transactions.at(-1) ?? first).ledger.commit.tree };
  return { label, root: first.ledger.oid, parentEpoch, parentLedger, ...trees, transactions: transactions.length };
}

async function transition(
  context: BoundedAdoption,
  ns: string,
  pushed: PushedTransaction,
  state: ParentState,
): Promise<ParentState> {
  const rules = { ...context, ns, policy: null, sampleSize: Number.MAX_SAFE_INTEGER, emit: throwFault };
  return (await checkTransaction(rules, pushed, state)).state;
}

/** The first commit of a later epoch: it has no base, so its trees are held against each other whole. */
async function verifySnapshot(context: BoundedAdoption, ns: string, pushed: PushedTransaction): Promise<ParentState> {
  const rules = { ...context, ns, emit: throwFault };
  const { ledger, index, chunks } = pushed;
  const t = ledger.trailers;
  const chunksTree = chunks?.commit.tree ?? null;
  checkBinding(throwFault, ns, pushed, 'epoch');
  await anySigner(rules, context.verifier, ledger, context.keysAtHand);
  if (chunksTree !== null) await checkDigests(rules, await checkNewChunks(rules, null, chunksTree));
  const { changes } = await ledgerChanges(rules, null, ledger.commit.tree);
  const request = {
    policy: null,
    txn: null,
    sizesFirst: true,
    findChunks: chunksIn(rules, chunksTree),
    content: false,
    digests: 'all' as const,
  };
  const pointers = await checkAllValues(rules, request, changes);
  await checkIndexStep(rules, { before: null, after: index.commit.tree, pointers }, true);
  return { ledgerTree: ledger.commit.tree, indexTree: t.indexTree, chunksTree, epoch: t.epoch, parentEpoch: t.parentEpoch };
}

async function chunkLinks(store: GitStore, ns: string, epoch: string): Promise<Link[]> {
  const ref = chunksRef(ns, epoch);
  const tip = (await store.refs([ref])).get(ref);
  return tip === undefined ? [] : wholeChain(store, ref, tip);
}

function wholeChain(store: GitStore, ref: RefName, tip: Oid): Promise<Link[]> {
  return readChain(store, throwFault, { ref, old: null, next: tip, limit: Number.POSITIVE_INFINITY });
}
