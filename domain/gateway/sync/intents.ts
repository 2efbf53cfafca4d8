import type { GitStore } from '../../../ports/git/git-store.js';
import type { Oid, RefName, WatchEvent } from '../../../ports/vocabulary.js';
import { decodeCommit } from '../../git/commit.js';
import { parseLedgerMessage } from '../../ledger/transaction/attestation.js';
import { intentsRef } from '../../ledger/refs.js';
import { throwFault } from '../../verify/fault.js';
import { checkIntentsChain, type LedgerIntent, readIntentsChain } from '../../verify/intents-chain.js';

/**
 * Holds the chains in which the mirror keeps intents against transactions that were verified, in their order: from where ours end, theirs
 * must keep exactly the intents of these. Gives where the chains end. Throws `ATTESTATION_MISMATCH`, `REF_FORBIDDEN`.
 */
export async function checkIntents(
  store: GitStore,
  ns: string,
  events: readonly WatchEvent[],
  here: ReadonlyMap<RefName, Oid>,
  there: ReadonlyMap<RefName, Oid>,
): Promise<Map<RefName, Oid>> {
  const tips = new Map<RefName, Oid>();
  for (const label of new Set(events.map(({ epoch }) => epoch))) {
    const ref = intentsRef(ns, label);
    const [old, next] = [here.get(ref) ?? null, there.get(ref) ?? null];
    const own = events.filter(({ epoch }) => epoch === label).map(({ oid }) => oid);
    const chain = next === null ? [] : await readIntentsChain(store, throwFault, { ref, old, next });
    checkIntentsChain(throwFault, ref, chain, await namedIntents(store, own));
    if (next !== null) tips.set(ref, next);
  }
  return tips;
}

/** The intents that ledger commits name. */
async function namedIntents(store: GitStore, ledgers: readonly Oid[]): Promise<LedgerIntent[]> {
  const objects = await store.read(ledgers);
  return objects.flatMap((object) => {
    if (object === null) return []; // its own rules have said so
    const { intent } = parseLedgerMessage(decodeCommit(object.body, object.oid, store.objectFormat).message, object.oid);
    return intent === null ? [] : [{ ledger: object.oid, intent }];
  });
}
