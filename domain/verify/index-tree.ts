import { KvError } from '../../ports/error.js';
import type { GitStore, NewObject } from '../../ports/git-store.js';
import type { Oid } from '../../ports/vocabulary.js';
import { pairAt } from '../index/layout.js';
import { quoteKey, toUrlsafe } from '../ledger/key.js';
import { REF_SUFFIX } from '../ledger/paths.js';
import type { ObjectNamer } from '../git/object.js';
import { encodePointer, type Pointer, pointerMode } from '../ledger/pointer.js';
import { type PointerFile, updateIndex } from '../index/update.js';
import { addPointer } from '../ledger/transaction.js';
import { findEntry, MODE_DIR, oidBytesIn } from '../git/tree.js';
import { diffTrees, type Side } from '../git/tree-diff.js';

export interface IndexTransition {
  readonly ns: string;
  readonly before: Oid | null;
  readonly after: Oid;
  /** What the index must say of each changed key. */
  readonly pointers: readonly Pointer[];
}

/** Recomputes the index. Throws `ATTESTATION_MISMATCH` unless the new tree is the old one with exactly these pointers put in. */
export async function recomputeIndex(store: GitStore, namer: ObjectNamer, transition: IndexTransition): Promise<void> {
  const { ns, before, after, pointers } = transition;
  const files = new Map<string, PointerFile>();
  const built: NewObject[] = [];
  for (const pointer of pointers) addPointer(pointer, namer, files, built);
  const expected = await updateIndex(store, namer, ns, before, files, built);
  if (expected === after) return;
  throw new KvError(
    'ATTESTATION_MISMATCH',
    `index of namespace ${ns} does not agree with its ledger: tree ${after}, expected ${expected}`,
    {
      hint: 'the index must be the old one with the changed keys put in, as docs/FORMAT.md lays it out',
    },
  );
}

/**
 * Checks an index by what changed in it, without building it: every changed key has its pointer, in a place of its own, and no
 * other pointer is other than it was. It does not say that directories are split where they should be.
 * Throws `ATTESTATION_MISMATCH` naming the key.
 */
export async function compareIndex(store: GitStore, namer: ObjectNamer, transition: IndexTransition): Promise<void> {
  const { ns, before, after, pointers } = transition;
  if (before === null) return recomputeIndex(store, namer, transition);
  const moved = await changedPointers(store, ns, before, after);
  for (const pointer of pointers) {
    const urlsafe = toUrlsafe(pointer.key);
    const { old, next } = moved.get(urlsafe) ?? { old: null, next: null };
    moved.delete(urlsafe);
    const wanted = namer.oid('blob', encodePointer(pointer));
    // Set again to what it was, a key's pointer is no change of the index.
    const found = next ?? (old === null ? await lookUp(store, ns, after, urlsafe) : null);
    if (found?.oid !== wanted || found.mode !== pointerMode(pointer)) throw disagrees(ns, pointer.key);
  }
  // What is left are pointers of keys that did not change: a directory that was split hands them down as they are.
  for (const [urlsafe, { old, next }] of moved) {
    if (old === null || next === null || old.oid !== next.oid || old.mode !== next.mode) throw disagrees(ns, urlsafe);
  }
}

interface Moved {
  old: Side | null;
  next: Side | null;
}

/** The pointers that are not where or what they were, by urlsafe key. */
async function changedPointers(store: GitStore, ns: string, before: Oid, after: Oid): Promise<Map<string, Moved>> {
  const moved = new Map<string, Moved>();
  for await (const change of diffTrees(store, before, after, oidBytesIn(store.objectFormat))) {
    const urlsafe = placeOf(change.path, ns);
    if (urlsafe === undefined) throw disagrees(ns, change.path);
    const sides = moved.get(urlsafe) ?? { old: null, next: null };
    if ((change.before !== null && sides.old !== null) || (change.after !== null && sides.next !== null))
      throw disagrees(ns, urlsafe);
    moved.set(urlsafe, { old: change.before ?? sides.old, next: change.after ?? sides.next });
  }
  return moved;
}

/** The urlsafe key whose pointer may lie at a path of the index tree. */
function placeOf(path: string, ns: string): string | undefined {
  const parts = path.split('/');
  const name = parts.pop() ?? '';
  const [kv, own, index, ...dirs] = parts;
  if (kv !== 'kv' || own !== ns || index !== 'index' || !name.endsWith(REF_SUFFIX)) return undefined;
  const urlsafe = name.slice(0, -REF_SUFFIX.length);
  return dirs.length >= 2 && dirs.every((dir, depth) => pairAt(urlsafe, depth) === dir) ? urlsafe : undefined;
}

/** Finds one key's pointer in an index tree. */
export async function lookUp(store: GitStore, ns: string, root: Oid, urlsafe: string): Promise<PointerFile | undefined> {
  const oidBytes = oidBytesIn(store.objectFormat);
  let oid: Oid | undefined = root;
  for (let depth = -3; oid !== undefined; depth++) {
    const [tree] = await store.read([oid]);
    if (tree?.type !== 'tree') return undefined;
    const pair = depth < 0 ? ['kv', ns, 'index'][depth + 3] : pairAt(urlsafe, depth);
    const dir = pair === undefined ? undefined : findEntry(tree.body, oidBytes, pair);
    if (dir === undefined || dir.mode !== MODE_DIR) return findEntry(tree.body, oidBytes, urlsafe + REF_SUFFIX);
    oid = dir.oid;
  }
  return undefined;
}

function disagrees(ns: string, key: string): KvError {
  return new KvError('ATTESTATION_MISMATCH', `index of namespace ${ns} does not agree with its ledger at ${quoteKey(key)}`, {
    hint: 'the index must be the old one with the changed keys put in, as docs/FORMAT.md lays it out',
    details: { key },
  });
}
