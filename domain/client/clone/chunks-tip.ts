import type { Oid, RefName } from '../../../ports/vocabulary.js';
import { decodeCommit } from '../../git/commit.js';
import { chunksRef, directionOf, type Source, trackedNames, trackingRequest } from '../../ledger/refs.js';
import type { TreeTip } from '../../ledger/transaction.js';
import type { Clone } from './clone.js';

/** Brings an epoch's chunks. Only what writes or reads a large value asks for them: they are the bulk of a repository. */
export async function fetchChunks(clone: Clone, ns: string, epoch: string, source: Source): Promise<void> {
  const ref = chunksRef(ns, epoch);
  const request = trackingRequest(source, ref);
  await clone.remotes.fetch(clone.remoteName, directionOf(source), [request], { onProgress: clone.onProgress });
}

/** The newest chunks of an epoch that this clone knows; null when it knows none. */
export async function chunksTip(clone: Clone, ns: string, epoch: string): Promise<TreeTip | null> {
  const ref = chunksRef(ns, epoch);
  const commit = await newestRef(clone, trackedNames(ref));
  if (commit === undefined) return null;
  const [object] = await clone.store.read([commit]);
  return object ? { commit, tree: decodeCommit(object.body, commit, clone.store.objectFormat).tree } : null;
}

/** The furthest of refs that follow one another; the earlier name wins where they don't. */
export async function newestRef(clone: Clone, names: readonly RefName[]): Promise<Oid | undefined> {
  const refs = await clone.store.refs(names);
  let best: Oid | undefined;
  for (const name of names) {
    const oid = refs.get(name);
    if (oid === undefined || oid === best) continue;
    if (best === undefined || (await clone.store.isAncestor(best, oid))) best = oid;
  }
  return best;
}
