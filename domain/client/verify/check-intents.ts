import { intentsRef, trackedNames } from '../../ledger/refs.js';
import { checkIntentsChain, readIntentsChain } from '../../verify/intents-chain.js';
import { isSequenced } from '../../verify/sequenced.js';
import type { Clone } from '../clone/clone.js';
import type { VerifyContext } from './context.js';
import type { VerifiedEpoch } from './epoch/verify-epoch.js';

/**
 * Holds the chains in which intents are kept against an epoch's ledger, as far as they are in this clone. They are fetched by themselves, so
 * that either may be older than the other.
 */
export async function checkIntents(
  clone: Clone,
  { ns, findings, store }: VerifyContext,
  { label, ledgers }: VerifiedEpoch,
): Promise<void> {
  const names = trackedNames(intentsRef(ns, label));
  const refs = await clone.store.refs(names);
  const named = ledgers.filter(isSequenced).map(({ oid, trailers }) => ({ ledger: oid, intent: trailers.intent }));
  for (const ref of names) {
    const next = refs.get(ref);
    if (next === undefined) continue;
    const chain = await readIntentsChain(store, findings.emit, { ref, old: null, next });
    const both = Math.min(chain.length, named.length);
    checkIntentsChain(findings.emit, ref, chain.slice(0, both), named.slice(0, both));
  }
}
