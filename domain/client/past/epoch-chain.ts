import { KvError } from '../../../ports/error.js';
import type { Oid } from '../../../ports/vocabulary.js';
import { decodeCommit } from '../../git/commit.js';
import { archiveRef, directionOf, trackedNames, trackingRequest } from '../../ledger/refs.js';
import type { Clone } from '../clone/clone.js';
import type { Freshness } from '../remote/tip-for-reading.js';
import { type LedgerCommit, readLedgerCommits } from '../clone/tips.js';

const BATCH = 500;

/**
 * The last ledger commit of each epoch, newest epoch first, beginning with `tip`. Archives are fetched as they are asked for,
 * unless the read is offline. Ends early where an archive can't be had: the last commit given then has a parent epoch.
 * Throws `ATTESTATION_MISMATCH` when an archive is not the one that the next epoch goes on from.
 */
export async function* epochsBack(
  clone: Clone,
  ns: string,
  tip: LedgerCommit,
  freshness: Freshness,
): AsyncGenerator<LedgerCommit> {
  const seen = new Set<string>();
  for (let end = tip; ; ) {
    const { epoch, parentEpoch } = end.trailers;
    seen.add(epoch);
    yield end;
    if (parentEpoch === null) return;
    const older = await archivedEnd(clone, ns, parentEpoch, freshness);
    if (older === null) return;
    const root = await firstOf(clone, end);
    const shallow = root.commit.parents.length > 0; // then the link is not here, and can't be checked
    const linked = shallow || root.trailers.parentLedger === older.oid;
    const sound = older.trailers.ns === ns && older.trailers.epoch === parentEpoch && linked;
    if (!sound || seen.has(parentEpoch)) {
      throw new KvError(
        'ATTESTATION_MISMATCH',
        `${archiveRef(ns, parentEpoch)} is not what epoch ${epoch} of namespace ${ns} goes on from`,
        {
          hint: 'read it from the Stargate; a full verification says more',
          advice: { id: 'read-stargate' },
          details: { expected: root.trailers.parentLedger, actual: older.oid },
        },
      );
    }
    end = older;
  }
}

/** The commits of one epoch from a commit back, newest first, in batches. Throws `GIT_ERROR` when one is missing. */
export async function* commitsBack(clone: Clone, from: LedgerCommit): AsyncGenerator<LedgerCommit[]> {
  let oids: Oid[] = [];
  for await (const oid of clone.store.history({ tip: from.oid })) {
    oids.push(oid);
    if (oids.length < BATCH) continue;
    yield await openAll(clone, oids);
    oids = [];
  }
  if (oids.length > 0) yield await openAll(clone, oids);
}

/** Opens ledger commits that must be there. Throws `GIT_ERROR`. */
export async function openAll(clone: Clone, oids: readonly Oid[]): Promise<LedgerCommit[]> {
  const commits = await readLedgerCommits(clone, oids);
  return commits.map((commit, i) => {
    if (commit !== undefined) return commit;
    throw new KvError('GIT_ERROR', `ledger commit ${oids[i]} is missing`, { hint: 'run git fsck in this clone' });
  });
}

/** True for the commit that an epoch after the first begins with: it has the values of the one before, and changes none. */
export function isRollover({ commit, trailers }: LedgerCommit): boolean {
  return commit.parents.length === 0 && trailers.parentEpoch !== null;
}

async function firstOf(clone: Clone, end: LedgerCommit): Promise<LedgerCommit> {
  let first = end.oid;
  for await (const oid of clone.store.history({ tip: end.oid })) first = oid;
  const [root] = await openAll(clone, [first]);
  return root as LedgerCommit;
}

/** What an archive ref keeps: the epoch's last ledger commit. Null when there is no such archive here, nor where it may be fetched from. */
async function archivedEnd(clone: Clone, ns: string, label: string, freshness: Freshness): Promise<LedgerCommit | null> {
  const ref = archiveRef(ns, label);
  const known = async (): Promise<Oid | undefined> => {
    const names = trackedNames(ref);
    const refs = await clone.store.refs(names);
    return names.map((name) => refs.get(name)).find((oid) => oid !== undefined);
  };
  let archive = await known();
  if (archive === undefined && !freshness.offline) {
    const { readFrom } = freshness;
    const direction = directionOf(readFrom);
    if ((await clone.remotes.url(clone.remoteName, direction)) === null) return null;
    const request = trackingRequest(readFrom, ref);
    await clone.remotes.fetch(clone.remoteName, direction, [request], { onProgress: clone.onProgress });
    archive = await known();
  }
  if (archive === undefined) return null;
  const [object] = await clone.store.read([archive]);
  const [ledger] = object ? decodeCommit(object.body, archive, clone.store.objectFormat).parents : [];
  return ledger === undefined ? null : ((await openAll(clone, [ledger]))[0] ?? null);
}
