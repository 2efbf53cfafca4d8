import type { Randomness } from '../../ports/clock.js';
import { KvError } from '../../ports/error.js';
import type { GitStore } from '../../ports/git-store.js';
import type { SignatureVerifier } from '../../ports/signer.js';
import type { ObjectNamer } from '../object.js';
import { epochRef, indexRef, ledgerRef } from '../refs.js';
import { MAX_CHAIN, pairChains, readChain } from './chain.js';
import { type ParentState, verifyTransaction } from './verify-transaction.js';

export interface AdoptionContext {
  readonly store: GitStore;
  readonly namer: ObjectNamer;
  readonly verifier: SignatureVerifier;
  readonly randomness: Randomness;
}

/**
 * Verifies the whole history of a namespace that is taken over from a mirror: every transaction's attestation, signature
 * and index. Throws `ATTESTATION_MISMATCH` or `SIGNATURE_*` naming the first commit that is not sound.
 */
export async function verifyNamespace(context: AdoptionContext, ns: string): Promise<number> {
  const { store } = context;
  const refs = await store.refs([ledgerRef(ns), indexRef(ns), epochRef(ns)]);
  const [ledger, index] = [refs.get(ledgerRef(ns)), refs.get(indexRef(ns))];
  if (ledger === undefined || index === undefined) {
    throw new KvError('ATTESTATION_MISMATCH', `namespace ${ns} has a ledger or an index, but not both`);
  }
  const limit = Number.POSITIVE_INFINITY;
  const links = await readChain(store, ledgerRef(ns), null, ledger, limit);
  const transactions = pairChains(ns, links, await readChain(store, indexRef(ns), null, index, limit));
  if (refs.get(epochRef(ns)) !== links[0]?.oid) {
    throw new KvError('ATTESTATION_MISMATCH', `${epochRef(ns)} does not point to the first ledger commit of namespace ${ns}`);
  }
  let state: ParentState = { ledgerTree: null, indexTree: null, epoch: null, parentEpoch: null };
  for (const pushed of transactions) {
    const verified = await verifyTransaction({ ...context, ns, policy: null, sampleSize: MAX_CHAIN }, pushed, state);
    state = verified.state;
  }
  return transactions.length;
}
