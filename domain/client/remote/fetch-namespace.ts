import { KvError } from '../../../ports/error.js';
import type { FetchRequest } from '../../../ports/git/git-remote.js';
import {
  archiveRef,
  directionOf,
  epochRef,
  indexRef,
  ledgerRef,
  POLICY_REF,
  type Source,
  trackingRef,
  trackingRequest,
} from '../../ledger/refs.js';
import type { Clone } from '../clone/clone.js';
import { newestTip, readLedgerCommits, type Tip } from '../clone/tips.js';

/** Brings a namespace's refs, and the published policy, from one side. */
export async function fetchNamespace(clone: Clone, ns: string, source: Source): Promise<void> {
  const direction = directionOf(source);
  const refs = [ledgerRef(ns), indexRef(ns), epochRef(ns), POLICY_REF];
  const requests: FetchRequest[] = refs.map((ref) => trackingRequest(source, ref));
  const epoch = await fetchedEpoch(clone, ns, source);
  if (epoch !== null) requests.push(archiveRequest(source, ns, epoch));
  await clone.remotes.fetch(clone.remoteName, direction, requests, { onProgress: clone.onProgress });
  await clone.fetched.markFetched(clone.remoteName, direction, ns, clone.clock.now());
}

/**
 * Asks for the archive of the epoch that this clone is in, in case that a new one has begun: the archive's commit stands between the two,
 * so that git sees what they share. Without it, all of the live data would come anew.
 */
export function archiveRequest(source: Source, ns: string, epoch: string): FetchRequest {
  const ref = archiveRef(ns, epoch);
  return { ...trackingRequest(source, ref), seldom: true };
}

/** The epoch of the ledger that was last fetched from one side; null when there was none, or it can't be read. */
async function fetchedEpoch(clone: Clone, ns: string, source: Source): Promise<string | null> {
  const ref = trackingRef(source, ledgerRef(ns));
  const oid = (await clone.store.refs([ref])).get(ref);
  if (oid === undefined) return null;
  try {
    const [tip] = await readLedgerCommits(clone, [oid]);
    return tip?.trailers.epoch ?? null;
  } catch (error) {
    if (KvError.is(error)) return null; // the fetch may put it right
    throw error;
  }
}

/** A host that shows half of a transaction shows all of it a moment later. */
const MAX_FETCHES = 5;
const FIRST_PAUSE_MS = 10;

/**
 * The newest tip, with its index. A host's list of refs is no snapshot: it may show the ledger of one transaction and the index of the
 * one before. Such a pair, fetched now or left by an earlier command, is fetched again; after a few times the tip is given as it is,
 * its `index` null.
 */
export async function wholeTip(clone: Clone, ns: string, source: Source): Promise<Tip | null> {
  for (let fetches = 0; ; fetches++) {
    const tip = await newestTip(clone, ns, source);
    if (tip === null || tip.index !== null || fetches === MAX_FETCHES) return tip;
    if ((await clone.remotes.url(clone.remoteName, directionOf(source))) === null) return tip;
    if (fetches > 0) await clone.clock.sleep(FIRST_PAUSE_MS * 2 ** fetches);
    await fetchNamespace(clone, ns, source);
  }
}
