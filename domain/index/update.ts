import type { NewObject } from '../../ports/git/git-store.js';
import type { Oid } from '../../ports/vocabulary.js';
import { encodeLayout, FIXED_LEVELS, LAYOUT_FILE, pairAt, REF_SUFFIX, SPLIT_ABOVE } from './layout.js';
import type { ObjectNamer } from '../git/object.js';
import { MODE_EXEC, MODE_FILE, TreeCursor, oidBytesIn } from '../git/tree/tree.js';
import { childTrees, loadBodies, seal, TreeDraft, type TreeReader } from '../git/tree/tree-draft.js';

/** A pointer's place in the index: its file's mode and blob. */
export interface PointerFile {
  readonly mode: string;
  readonly oid: Oid;
}

/**
 * Puts pointers into an index tree (`base` null: a new one) and gives the new root tree; the trees it had to
 * write are appended to `out`. Pointers are never removed: a deleted key has a tombstone until its epoch ends.
 * `pointers` maps urlsafe keys to files. `marked` is given those of the keys whose pointer a listing had to open: tombstones, and keys
 * with a TTL.
 */
export async function updateIndex(
  store: TreeReader,
  namer: ObjectNamer,
  ns: string,
  base: Oid | null,
  pointers: ReadonlyMap<string, PointerFile>,
  out: NewObject[],
  marked?: Set<string>,
): Promise<Oid> {
  const oidBytes = oidBytesIn(namer.format);
  const { root, index } = await openIndex(store, ns, base, oidBytes);
  if (index.base === null) {
    const layout = namer.object('blob', encodeLayout());
    out.push(layout);
    index.put(LAYOUT_FILE, MODE_FILE, layout.oid);
  }
  let level: Bucket[] = [{ draft: index, depth: 0, pointers: [...pointers] }];
  while (level.length > 0) {
    await loadBodies(
      store,
      level.map((bucket) => bucket.draft),
    );
    const next: Bucket[] = [];
    for (const bucket of level) {
      if (marked !== undefined) noteMarked(bucket, oidBytes, marked);
      distribute(bucket, next, oidBytes);
    }
    level = next;
  }
  return seal(root, namer, out) as Oid;
}

interface Bucket {
  readonly draft: TreeDraft;
  readonly depth: number;
  readonly pointers: (readonly [string, PointerFile])[];
}

/** Walks `kv`, `<ns>`, `index`. */
async function openIndex(
  store: TreeReader,
  ns: string,
  base: Oid | null,
  oidBytes: number,
): Promise<{ root: TreeDraft; index: TreeDraft }> {
  const root = new TreeDraft(base);
  let at = root;
  for (const name of ['kv', ns, 'index']) {
    await loadBodies(store, [at]);
    const child = new TreeDraft(childTrees(at, new Map([[name, null]]), oidBytes).get(name) ?? null);
    at.dirs.set(name, child);
    at = child;
  }
  return { root, index: at };
}

/** Adds those of the bucket's keys whose pointer lies here and is marked. */
function noteMarked({ draft, pointers }: Bucket, oidBytes: number, marked: Set<string>): void {
  let wanted: Set<string> | undefined;
  const cursor = new TreeCursor(draft.body, oidBytes);
  while (cursor.next()) {
    if (cursor.isDir || cursor.mode !== MODE_EXEC) continue;
    wanted ??= new Set(pointers.map(([urlsafe]) => urlsafe + REF_SUFFIX));
    const { name } = cursor;
    if (wanted.has(name)) marked.add(name.slice(0, -REF_SUFFIX.length));
  }
}

/** Puts a bucket's pointers into its directory, or hands them down when the directory is split, or becomes so. */
function distribute(bucket: Bucket, next: Bucket[], oidBytes: number): void {
  const { draft, depth, pointers } = bucket;
  const split = depth < FIXED_LEVELS || mustSplit(draft, pointers, oidBytes);
  if (split === 'now') handDownOld(bucket, oidBytes);
  const below = new Map<string, (readonly [string, PointerFile])[]>();
  for (const pointer of pointers) {
    const pair = split === false ? undefined : pairAt(pointer[0], depth);
    if (pair === undefined) {
      draft.put(pointer[0] + REF_SUFFIX, pointer[1].mode, pointer[1].oid);
    } else {
      const list = below.get(pair);
      if (list === undefined) below.set(pair, [pointer]);
      else list.push(pointer);
    }
  }
  const trees = childTrees(draft, below, oidBytes);
  for (const [pair, list] of below) {
    const child = new TreeDraft(trees.get(pair) ?? null);
    draft.dirs.set(pair, child);
    next.push({ draft: child, depth: depth + 1, pointers: list });
  }
}

/** True when the directory is split already, `now` when these pointers fill it over the threshold. */
function mustSplit(draft: TreeDraft, pointers: readonly (readonly [string, PointerFile])[], oidBytes: number): boolean | 'now' {
  let count = 0;
  for (const cursor = new TreeCursor(draft.body, oidBytes); cursor.next(); count++) if (cursor.isDir) return true;
  if (count + pointers.length <= SPLIT_ABOVE) return false;
  const names = new Set(pointers.map(([urlsafe]) => urlsafe + REF_SUFFIX));
  const cursor = new TreeCursor(draft.body, oidBytes);
  while (cursor.next()) names.add(cursor.name);
  return names.size > SPLIT_ABOVE ? 'now' : false;
}

/** Takes the pointers that lie directly in a directory which is being split, so that they move down with the new ones. */
function handDownOld({ draft, depth, pointers }: Bucket, oidBytes: number): void {
  const fresh = new Set(pointers.map(([urlsafe]) => urlsafe));
  const cursor = new TreeCursor(draft.body, oidBytes);
  while (cursor.next()) {
    const urlsafe = cursor.name.slice(0, -REF_SUFFIX.length);
    if (pairAt(urlsafe, depth) === undefined) continue;
    draft.put(cursor.name, cursor.mode, null);
    if (!fresh.has(urlsafe)) pointers.push([urlsafe, { mode: cursor.mode, oid: cursor.oid() }]);
  }
}
