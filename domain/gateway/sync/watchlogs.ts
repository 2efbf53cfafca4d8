import { KvError } from '../../../ports/error.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { Oid, RefName, WatchEvent } from '../../../ports/vocabulary.js';
import { watchlogRef } from '../../ledger/refs.js';
import { decodeEvent } from '../../ledger/transaction/watchlog.js';
import { readChain } from '../../verify/attestation/chain.js';
import { throwFault } from '../../verify/fault.js';

/**
 * Holds the mirror's watchlogs against transactions that were verified, in their order: from where ours end, theirs must tell of
 * exactly these. Only a Stargate writes watchlogs, so a transaction that is in none was never accepted by one. Gives where the
 * watchlogs end. Throws `ATTESTATION_MISMATCH`.
 */
export async function checkWatchlogs(
  store: GitStore,
  ns: string,
  events: readonly WatchEvent[],
  here: ReadonlyMap<RefName, Oid>,
  there: ReadonlyMap<RefName, Oid>,
): Promise<Map<RefName, Oid>> {
  const tips = new Map<RefName, Oid>();
  for (const label of new Set(events.map(({ epoch }) => epoch))) {
    const ref = watchlogRef(ns, label);
    const own = events.filter(({ epoch }) => epoch === label);
    const [old, next] = [here.get(ref) ?? null, there.get(ref)];
    if (next === undefined) throw unlogged(ref, own[0]);
    const links = await readChain(store, throwFault, { ref, old, next, limit: Number.POSITIVE_INFINITY });
    const logged = links.map(({ oid, commit }) => decodeEvent(commit.message, oid));
    const wrong = own.findIndex((event, i) => !isSame(event, logged[i]));
    if (wrong >= 0) throw unlogged(ref, own[wrong]);
    if (logged.length > own.length) {
      throw new KvError(
        'ATTESTATION_MISMATCH',
        `${ref} of the mirror tells of ${logged[own.length]?.oid}, which its ledger lacks`,
      );
    }
    tips.set(ref, next);
  }
  return tips;
}

/** Whether two events are of one transaction. When it came, and by which name its signer went then, is what the log alone knows. */
function isSame(event: WatchEvent, logged: WatchEvent | undefined): boolean {
  if (logged === undefined) return false;
  const told = { ...logged, received: event.received, signer: event.signer };
  return (Object.keys(event) as (keyof WatchEvent)[]).every((name) => told[name] === event[name]);
}

function unlogged(ref: RefName, event: WatchEvent | undefined): KvError {
  return new KvError(
    'ATTESTATION_MISMATCH',
    `${ref} of the mirror does not tell of ledger commit ${event?.oid}: it was not accepted by a Stargate`,
  );
}
