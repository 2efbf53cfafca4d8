import { KvError } from '../../../ports/error.js';
import type { GitObject, Oid, RefName } from '../../../ports/vocabulary.js';
import { decodeCommit } from '../../git/commit.js';
import { parseChunksMessage } from '../../ledger/transaction/attestation.js';
import { chunksRef, directionOf, type Source, trackedNames, trackingRef, trackingRequest } from '../../ledger/refs.js';
import type { TreeTip } from '../../ledger/transaction/transaction.js';
import type { Clone } from './clone.js';
import { foreignTip } from './foreign-tip.js';

/** Brings an epoch's chunks. Only what writes or reads a large value asks for them: they are the bulk of a repository. */
export async function fetchChunks(clone: Clone, ns: string, epoch: string, source: Source): Promise<void> {
  const ref = chunksRef(ns, epoch);
  const request = trackingRequest(source, ref);
  await clone.remotes.fetch(clone.remoteName, directionOf(source), [request], { onProgress: clone.onProgress });
}

/**
 * The newest chunks of an epoch that this clone knows; null when it knows none. What the mirror shows that is no chunks commit is passed
 * over, unless it is the mirror that is read: a write that built on it would be refused. Throws `ATTESTATION_MISMATCH` naming such a tip
 * on the side that counts, or in this clone.
 */
export async function chunksTip(clone: Clone, ns: string, epoch: string, side: Source = 'stargate'): Promise<TreeTip | null> {
  const ref = chunksRef(ns, epoch);
  const here = await refsOf(clone, trackedNames(ref));
  const objects = here.length === 0 ? [] : await clone.store.read(here.map(({ oid }) => oid));
  const sound = new Map<Oid, TreeTip>();
  const refs: Named[] = [];
  for (const [i, { name, oid }] of here.entries()) {
    const tip = openChunks(clone, ns, oid, objects[i] ?? null);
    if (typeof tip !== 'string') {
      sound.set(oid, tip);
      refs.push({ name, oid });
      continue;
    }
    const from = (['mirror', 'stargate'] as const).find((source) => name === trackingRef(source, ref)) ?? 'local';
    if (from === side || from === 'local') throw foreignTip({ from, ref, oid, why: tip, wanted: 'chunks' }, name);
  }
  const newest = await furthest(clone, refs);
  return newest === undefined ? null : (sound.get(newest) ?? null);
}

/** A namespace's chunks commit and its tree, or why it is none. */
function openChunks(clone: Clone, ns: string, oid: Oid, object: GitObject | null): TreeTip | string {
  if (object?.type !== 'commit') return object === null ? 'it is missing' : `it is a ${object.type}`;
  try {
    const { message, tree } = decodeCommit(object.body, oid, clone.store.objectFormat);
    const trailers = parseChunksMessage(message, oid);
    return trailers.ns === ns ? { commit: oid, tree } : `it belongs to the chunks of namespace ${trailers.ns}`;
  } catch (error) {
    if (KvError.is(error)) return error.message.replace(`commit ${oid}: `, ''); // no commit of ours, which is what was asked
    throw error;
  }
}

/** The furthest of refs that follow one another; the earlier name wins where they don't. */
export async function newestRef(clone: Clone, names: readonly RefName[]): Promise<Oid | undefined> {
  return furthest(clone, await refsOf(clone, names));
}

interface Named {
  readonly name: RefName;
  readonly oid: Oid;
}

/** Those of the refs that are here, in the order of their names. */
async function refsOf(clone: Clone, names: readonly RefName[]): Promise<Named[]> {
  const refs = await clone.store.refs(names);
  return names.flatMap((name) => {
    const oid = refs.get(name);
    return oid === undefined ? [] : [{ name, oid }];
  });
}

async function furthest(clone: Clone, refs: readonly Named[]): Promise<Oid | undefined> {
  let best: Oid | undefined;
  for (const { oid } of refs) {
    if (oid === best) continue;
    if (best === undefined || (await clone.store.isAncestor(best, oid))) best = oid;
  }
  return best;
}
