import { KvError } from '../../../ports/error.js';
import type { Oid, WatchEvent } from '../../../ports/vocabulary.js';
import type { Epoch, EpochLogs, FeedPlace } from './epoch-logs.js';
import type { LedgerCommit } from '../clone/tips.js';
import { ledgerCommitHere } from './changed-keys.js';

/** So many characters of a ULID are its time. */
const ULID_TIME = 10;

/** Whether the source still shows an epoch that lies before the place: a mirror of several hosts, or one that was restored. */
export async function isBehind(logs: EpochLogs, current: string, place: FeedPlace): Promise<boolean> {
  if ((await logs.first({ label: place.epoch, tip: place.commit })).parentEpoch === current) return true;
  const tip = await logs.watchlogTip(current);
  if (tip === undefined) return false;
  const [[shown], [at]] = [await logs.open(current, [tip]), await logs.open(place.epoch, [place.commit])];
  return shown !== undefined && at !== undefined && at.event.received > shown.event.received;
}

/** Whether a ledger commit is known here and follows from what the source shows: the newest event of each epoch. */
export async function isAhead(
  logs: EpochLogs,
  oid: Oid,
  newest: ReadonlyMap<string, WatchEvent>,
  oldest: Epoch | undefined,
): Promise<boolean> {
  const known = await knownLedger(logs, oid);
  if (known === undefined || oldest === undefined) return known !== undefined;
  const { epoch, parentEpoch, txn } = known.trailers;
  const own = newest.get(epoch);
  if (own !== undefined) return logs.clone.store.isAncestor(own.oid, oid);
  if (parentEpoch !== null && newest.has(parentEpoch)) return true;
  // Epochs lie between them that neither side has here: it comes after all that is shown, or before and is gone.
  const first = await logs.first(oldest);
  if (epoch === first.parentEpoch || (await logs.isCompacted(epoch))) return false;
  return txn.slice(0, ULID_TIME) > first.txn.slice(0, ULID_TIME);
}

/** A ledger commit of the namespace that this clone has; undefined when there is none, or the object is something else. */
async function knownLedger({ clone, options }: EpochLogs, oid: Oid): Promise<LedgerCommit | undefined> {
  try {
    const commit = await ledgerCommitHere(clone, oid);
    return commit?.trailers.ns === options.ns ? commit : undefined;
  } catch (error) {
    if (KvError.is(error) && error.code === 'ATTESTATION_MISMATCH') return undefined; // an ordinary commit, a blob
    throw error;
  }
}
