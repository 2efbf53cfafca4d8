import { KvError } from '../../../ports/error.js';
import type { Oid } from '../../../ports/vocabulary.js';
import { MODE_DIR, TreeCursor, type TreeEntry } from '../../git/tree/tree.js';
import type { BytePath } from './paths.js';
import type { ObjectSource } from './source.js';

/** What stands at a path: the mode as git writes it. */
export interface Entry {
  readonly mode: string;
  readonly oid: Oid;
}

const SPACE = 0x20;

/** The entry of that name in a tree's bytes; no other entry is decoded. Throws `GIT_ERROR` on a malformed tree. */
export function entryNamed(body: Uint8Array, oidBytes: number, name: BytePath): Entry | null {
  const { length } = name;
  for (let start = 0; start < body.length; ) {
    // Modes have five or six digits, unless somebody else has written them.
    const nameAt = body[start + 5] === SPACE ? start + 6 : body[start + 6] === SPACE ? start + 7 : body.indexOf(SPACE, start) + 1;
    let same = 0;
    while (same < length && body[nameAt + same] === name.charCodeAt(same)) same++;
    if (same === length && body[nameAt + same] === 0) return entryFrom(body, oidBytes, start);
    let end = nameAt + same;
    while (end < body.length && body[end] !== 0) end++;
    if (nameAt <= start || end + oidBytes >= body.length) throw new KvError('GIT_ERROR', 'malformed tree object');
    start = end + 1 + oidBytes;
  }
  return null;
}

function entryFrom(body: Uint8Array, oidBytes: number, start: number): Entry {
  const cursor = new TreeCursor(body.subarray(start), oidBytes);
  cursor.next();
  return entryOf(cursor);
}

/** The entry at a path below a tree; null where there is none. The empty path is the tree itself. */
export async function entryAt(source: ObjectSource, tree: Oid | null, path: BytePath): Promise<Entry | null> {
  if (tree === null) return null;
  let entry: Entry = { mode: MODE_DIR, oid: tree };
  for (let from = 0; from < path.length; ) {
    if (entry.mode !== MODE_DIR) return null;
    const slash = path.indexOf('/', from);
    const end = slash < 0 ? path.length : slash;
    const next = entryNamed(await source.tree(entry.oid), source.oidBytes, path.slice(from, end));
    if (next === null) return null;
    entry = next;
    from = end + 1;
  }
  return entry;
}

/** A file of a state, with its whole path. */
export interface FlatEntry extends Entry {
  readonly path: BytePath;
}

/** All entries below a tree but directories, in the order of their names; directories too where they are asked for. */
export async function* flatten(
  source: ObjectSource,
  tree: Oid | null,
  below: BytePath = '',
  withDirs = false,
): AsyncGenerator<FlatEntry> {
  if (tree === null) return;
  for (const { mode, name, oid } of entriesOf(await source.tree(tree), source.oidBytes)) {
    const path = below === '' ? name : `${below}/${name}`;
    if (mode !== MODE_DIR) yield { path, mode, oid };
    else {
      if (withDirs) yield { path, mode, oid };
      yield* flatten(source, oid, path, withDirs);
    }
  }
}

/** The entries of a tree, one after the other. */
export function* entriesOf(body: Uint8Array, oidBytes: number): Generator<TreeEntry> {
  const cursor = new TreeCursor(body, oidBytes);
  while (cursor.next()) yield { mode: cursor.mode, name: cursor.name, oid: cursor.oid() };
}

/** Whether two sides of a path are the same. */
export function sameEntry(a: Entry | null, b: Entry | null): boolean {
  return a === b || (a !== null && b !== null && a.oid === b.oid && a.mode === b.mode);
}

/** How a path differs between two states. */
export interface EntryChange {
  readonly path: BytePath;
  readonly before: Entry | null;
  readonly after: Entry | null;
}

/** The files that differ between two trees, in the order of their names; equal directories are never read. */
async function* compareTrees(
  source: ObjectSource,
  before: Oid | null,
  after: Oid | null,
  below: BytePath = '',
): AsyncGenerator<EntryChange> {
  if (before === after) return;
  const left = new TreeCursor(await source.tree(before), source.oidBytes);
  const right = new TreeCursor(await source.tree(after), source.oidBytes);
  let l = left.next() ? left.sortKey() : null;
  let r = right.next() ? right.sortKey() : null;
  while (l !== null || r !== null) {
    const order = l === null ? 1 : r === null ? -1 : l < r ? -1 : l > r ? 1 : 0;
    const old = order <= 0 ? entryOf(left) : null;
    const next = order >= 0 ? entryOf(right) : null;
    const name = order <= 0 ? left.name : right.name;
    const path = below === '' ? name : `${below}/${name}`;
    if (order <= 0) l = left.next() ? left.sortKey() : null;
    if (order >= 0) r = right.next() ? right.sortKey() : null;
    if (sameEntry(old, next)) continue;
    // With equal keys, both are directories or neither is.
    if ((old ?? next)?.mode === MODE_DIR) yield* compareTrees(source, old?.oid ?? null, next?.oid ?? null, path);
    else yield { path, before: old, after: next };
  }
}

function entryOf(cursor: TreeCursor): Entry {
  return { mode: cursor.mode, oid: cursor.oid() };
}

/** All changes between two trees, sorted by path as git sorts them in an index. */
export async function changesBetween(source: ObjectSource, before: Oid | null, after: Oid | null): Promise<EntryChange[]> {
  const changes: EntryChange[] = [];
  for await (const change of compareTrees(source, before, after)) changes.push(change);
  return changes;
}
