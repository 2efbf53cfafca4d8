import type { GitStore, NewObject } from '../../ports/git/git-store.js';
import type { Oid } from '../../ports/vocabulary.js';
import { KvError } from '../../ports/error.js';
import { type Commit, encodeCommit } from '../git/commit.js';
import { MANIFEST_SUFFIX } from './paths.js';
import { SHARDS } from './tree-shapes.js';
import { chunkDirs, decodeManifest } from './value/manifest.js';
import type { ObjectNamer } from '../git/object.js';
import { decodePointer } from './value/pointer.js';
import { type PointerFile, updateIndex } from '../index/update.js';
import { listPointers } from '../index/list.js';
import { MODE_FILE, oidBytesIn } from '../git/tree/tree.js';
import { diffTrees } from '../git/tree/tree-diff.js';
import { PathEdits, seal } from '../git/tree/tree-draft.js';
import type { TreeWalk } from '../git/tree/tree-shape.js';

/**
 * What a new epoch begins with. It has the same values as the last state of the one before; its index has no tombstones, and its
 * chunks are those that live values need. All three are pure functions of the old trees, so that the Stargate can recompute them.
 */

const BATCH = 1000;

/** What has no place where the values lie holds no manifest either. */
const MANIFESTS: TreeWalk = { shape: SHARDS, entries: Number.POSITIVE_INFINITY, tell: () => undefined };

/** The index without tombstones. New objects are appended to `out`. */
export async function liveIndex(store: GitStore, namer: ObjectNamer, ns: string, indexTree: Oid, out: NewObject[]): Promise<Oid> {
  const live = new Map<string, PointerFile>();
  let doubtful: { urlsafe: string; mode: string; oid: Oid }[] = [];
  const settle = async (): Promise<void> => {
    const objects = await store.read(doubtful.map(({ oid }) => oid));
    doubtful.forEach(({ urlsafe, mode, oid }, i) => {
      const pointer = decodePointer(objects[i]?.body ?? new Uint8Array(0), urlsafe);
      if (pointer.type !== 'deleted') live.set(urlsafe, { mode, oid });
    });
    doubtful = [];
  };
  for await (const pointer of listPointers(store, ns, indexTree, { prefix: '' }, oidBytes(namer))) {
    if (pointer.mode === MODE_FILE) live.set(pointer.urlsafe, pointer);
    else doubtful.push(pointer);
    if (doubtful.length >= BATCH) await settle();
  }
  await settle();
  return updateIndex(store, namer, ns, null, live, out);
}

/** The chunks that the manifests of a ledger tree name, as a tree; null when there are none. New objects are appended to `out`. */
export async function liveChunks(
  store: GitStore,
  namer: ObjectNamer,
  ns: string,
  ledgerTree: Oid,
  out: NewObject[],
): Promise<Oid | null> {
  const [data] = await store.readPaths(ledgerTree, [`kv/${ns}/data`]);
  if (!data) return null;
  const edits = new PathEdits();
  let manifests: Oid[] = [];
  const take = async (): Promise<void> => {
    const objects = await store.read(manifests);
    objects.forEach((object, i) => {
      for (const { digest, blob } of decodeManifest(object?.body ?? new Uint8Array(0), manifests[i] as Oid).chunks) {
        edits.put(chunkDirs(ns, digest), digest, { mode: MODE_FILE, oid: blob, previous: null });
      }
    });
    manifests = [];
  };
  for await (const { path, after } of diffTrees(store, null, data.oid, oidBytes(namer), MANIFESTS)) {
    if (after !== null && path.endsWith(MANIFEST_SUFFIX)) manifests.push(after.oid);
    if (manifests.length >= BATCH) await take();
  }
  await take();
  if (edits.empty) return null;
  return seal(await edits.load(store, null, oidBytes(namer)), namer, out);
}

/** What the archive ref of an epoch points to: one commit that keeps the last ledger and index commits, and so all before them. */
export function archiveCommit(
  namer: ObjectNamer,
  epoch: { readonly ns: string; readonly label: string; readonly ledger: Oid; readonly tree: Oid; readonly index: Oid },
  ident: string,
): NewObject {
  const commit: Commit = {
    tree: epoch.tree,
    parents: [epoch.ledger, epoch.index],
    author: ident,
    committer: ident,
    signature: null,
    message: archiveMessage(epoch.ns, epoch.label),
  };
  return namer.object('commit', encodeCommit(commit, namer.format));
}

/** The whole message of the commit that an archive ref points to. */
export function archiveMessage(ns: string, label: string): string {
  return `kv-archive: ${ns}@${label}\n\nKV-NS: ${ns}\nEpoch: ${label}\n`;
}

/** Throws `CAS_CONFLICT` when a label names an epoch that there is or was. */
export function checkFreshLabel(ns: string, label: string, taken: boolean): void {
  if (!taken) return;
  throw new KvError('CAS_CONFLICT', `namespace ${ns} has or had an epoch ${label}`, { hint: 'choose another label' });
}

const oidBytes = (namer: ObjectNamer): number => oidBytesIn(namer.format);
