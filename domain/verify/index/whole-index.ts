import type { Oid } from '../../../ports/vocabulary.js';
import { MODE_EXEC, MODE_FILE } from '../../git/tree.js';
import type { Side } from '../../git/tree-diff.js';
import { checkLayout, LAYOUT_FILE, REF_SUFFIX } from '../../index/layout.js';
import type { PointerFile } from '../../index/update.js';
import { quoteKey, toUrlsafe } from '../../ledger/key.js';
import { decodePointer, type Pointer } from '../../ledger/pointer.js';
import { attempt, type RuleContext } from '../fault.js';
import { INDEX_BATCH, missingFile } from './index-blobs.js';
import { disagrees, isPointer, keyOf, rebuiltIndex } from './index-step.js';
import { treeChanges } from '../trees.js';

/** An index, and the live keys that its ledger has; null: what the index must say of that key is not known. */
interface WholeIndex {
  readonly tree: Oid;
  readonly live: ReadonlyMap<string, Pointer | null>;
  /** False: blobs are not here, and none is read. */
  readonly blobs: boolean;
}

/** Holds a whole index tree against the live keys: each has its pointer, what else there is are tombstones, and the shape is the one. */
export async function checkWholeIndex(rules: RuleContext, { tree, live, blobs }: WholeIndex): Promise<void> {
  const { emit, ns } = rules;
  const found = await pointersIn(rules, tree, blobs);
  for (const [key, pointer] of live) {
    const file = found.get(toUrlsafe(key));
    if (file === undefined) emit(disagrees(ns, key, 'there is no pointer to it'));
    else if (pointer !== null && !isPointer(rules, pointer, file))
      emit(disagrees(ns, key, 'its pointer is not the one that its value and metadata give it'));
  }
  await checkPointers(rules, [...found], { live, blobs });
  const shape = await rebuiltIndex(rules, null, found);
  if (shape === null || shape === tree) return;
  const message = `index tree ${tree} has not the shape that its pointers give it, ${shape}`;
  emit({ code: 'ATTESTATION_MISMATCH', message, subject: {} });
}

/** What a pointer to a live key says follows from its id, but it must also be there. All others are tombstones. */
async function checkPointers(
  { store, ns, emit }: RuleContext,
  found: readonly (readonly [string, PointerFile])[],
  { live, blobs }: Omit<WholeIndex, 'tree'>,
): Promise<void> {
  for (let at = 0; at < found.length; at += INDEX_BATCH) {
    const batch = found.slice(at, at + INDEX_BATCH);
    const objects = blobs ? await store.read(batch.map(([, { oid }]) => oid)) : [];
    for (const [i, [urlsafe, { oid, mode }]] of batch.entries()) {
      const key = keyOf(urlsafe);
      const body = objects[i]?.body;
      if (blobs && body === undefined) emit(missingFile(ns, urlsafe + REF_SUFFIX, oid));
      if (live.has(key)) continue;
      const pointer = body === undefined ? null : attempt(emit, { key }, () => decodePointer(body, quoteKey(key)));
      if (mode === MODE_FILE || (pointer !== null && pointer.type !== 'deleted'))
        emit(disagrees(ns, key, 'it is a live key there alone'));
    }
  }
}

/** Every pointer of an index tree, by urlsafe key; what else lies there is a fault. */
async function pointersIn(rules: RuleContext, tree: Oid, blobs: boolean): Promise<Map<string, PointerFile>> {
  const { emit, ns } = rules;
  const root = `kv/${ns}/index/`;
  const found = new Map<string, PointerFile>();
  for (const { path, after } of await treeChanges(rules, null, tree)) {
    if (after === null) continue;
    const name = path.slice(path.lastIndexOf('/') + 1);
    if (path === root + LAYOUT_FILE) await checkLayoutFile(rules, after, blobs);
    else if (!path.startsWith(root) || !name.endsWith(REF_SUFFIX) || (after.mode !== MODE_FILE && after.mode !== MODE_EXEC))
      emit({ ...disagrees(ns, path, 'it is no place for a pointer'), subject: { path } });
    else found.set(name.slice(0, -REF_SUFFIX.length), after);
  }
  return found;
}

async function checkLayoutFile({ store, emit, ns }: RuleContext, { oid }: Side, blobs: boolean): Promise<void> {
  const [layout] = blobs ? await store.read([oid]) : [];
  if (layout === null) emit(missingFile(ns, LAYOUT_FILE, oid));
  else if (layout !== undefined) attempt(emit, { object: oid }, () => checkLayout(layout.body, ns));
}
