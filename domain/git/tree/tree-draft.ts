import { KvError } from '../../../ports/error.js';
import type { GitStore, NewObject } from '../../../ports/git/git-store.js';
import type { Oid } from '../../../ports/vocabulary.js';
import { allocate, shrink } from '../bytes.js';
import type { ObjectNamer } from '../object.js';
import { entrySize, MODE_DIR, TreeCursor, writeEntry, oidBytesIn } from './tree.js';

/** All that it takes to read trees. */
export type TreeReader = Pick<GitStore, 'read'>;

/** A file to put (`oid`) or to remove (`oid` null). After `load`, `previous` is what the base tree had. */
export interface FileEdit {
  readonly mode: string;
  readonly oid: Oid | null;
  previous: Oid | null;
}

/**
 * A directory that is being edited: the tree it starts from, and the edits to its files and subdirectories.
 * `load` reads the base trees a level at a time, all of a level in one request; `seal` names and gives the new trees.
 */
export class TreeDraft {
  readonly dirs = new Map<string, TreeDraft>();
  readonly files = new Map<string, FileEdit>();
  body: Uint8Array = EMPTY;

  constructor(public base: Oid | null) {}

  /** The edit for one file; a later edit of the same name replaces it. */
  put(name: string, mode: string, oid: Oid | null): FileEdit {
    const edit: FileEdit = { mode, oid, previous: null };
    this.files.set(name, edit);
    return edit;
  }
}

const EMPTY = new Uint8Array(0);

/** Path edits below one root, for layouts whose directories are known beforehand. */
export class PathEdits {
  private readonly root = new TreeDraft(null);

  get empty(): boolean {
    return this.root.dirs.size + this.root.files.size === 0;
  }

  put(dirs: readonly string[], name: string, edit: FileEdit): void {
    let node = this.root;
    for (const dir of dirs) {
      let child = node.dirs.get(dir);
      if (child === undefined) {
        child = new TreeDraft(null);
        node.dirs.set(dir, child);
      }
      node = child;
    }
    node.files.set(name, edit);
  }

  /** Reads the touched trees of `base` and gives the draft, every edit's `previous` filled in. Once only. */
  async load(store: TreeReader, base: Oid | null, oidBytes: number): Promise<TreeDraft> {
    this.root.base = base;
    for (let level = [this.root]; level.length > 0; level = level.flatMap((draft) => [...draft.dirs.values()])) {
      await loadBodies(store, level);
      for (const draft of level) {
        notePrevious(draft, oidBytes);
        for (const [name, oid] of childTrees(draft, draft.dirs, oidBytes)) (draft.dirs.get(name) as TreeDraft).base = oid;
      }
    }
    return this.root;
  }
}

/** Reads the bodies of the drafts' base trees in one request. */
export async function loadBodies(store: TreeReader, drafts: readonly TreeDraft[]): Promise<void> {
  const wanted = drafts.filter((draft) => draft.base !== null);
  const objects = await store.read(wanted.map((draft) => draft.base as Oid));
  wanted.forEach((draft, i) => {
    const object = objects[i];
    if (object === null || object === undefined || object.type !== 'tree') {
      throw new KvError('GIT_ERROR', `tree ${draft.base} is missing`, { hint: 'run git fsck in this repository' });
    }
    draft.body = object.body;
  });
}

/** The ids of the wanted subdirectories that the base tree has. */
export function childTrees(draft: TreeDraft, wanted: ReadonlyMap<string, unknown>, oidBytes: number): Map<string, Oid> {
  const found = new Map<string, Oid>();
  if (wanted.size === 0) return found;
  const names = [...wanted.keys()].sort(byFolder);
  const cursor = new TreeCursor(draft.body, oidBytes);
  // Both are in Git's order: names are compared up to where they differ, and none is decoded.
  for (let i = 0; i < names.length && cursor.next(); ) {
    let order = cursor.compareTo(`${names[i]}/`);
    while (order > 0 && ++i < names.length) order = cursor.compareTo(`${names[i]}/`);
    if (order === 0 && cursor.isDir) found.set(names[i++] as string, cursor.oid());
  }
  return found;
}

const byFolder = (a: string, b: string): number => (`${a}/` < `${b}/` ? -1 : 1);

/** Fills in `previous` for the draft's file edits. */
function notePrevious(draft: TreeDraft, oidBytes: number): void {
  if (draft.files.size === 0) return;
  const cursor = new TreeCursor(draft.body, oidBytes);
  while (cursor.next()) {
    const edit = cursor.isDir ? undefined : draft.files.get(cursor.name);
    if (edit !== undefined) edit.previous = cursor.oid();
  }
}

/** Writes out what changed: appends new trees to `out`, gives the tree's id, or null when it has become empty. */
export function seal(draft: TreeDraft, namer: ObjectNamer, out: NewObject[]): Oid | null {
  const edits: EntryEdit[] = [];
  for (const [name, child] of draft.dirs) {
    const oid = seal(child, namer, out);
    if (oid !== child.base) edits.push({ key: `${name}/`, mode: MODE_DIR, name, oid });
  }
  for (const [name, { mode, oid }] of draft.files) edits.push({ key: name, mode, name, oid });
  if (edits.length === 0) return draft.base;
  edits.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  const body = merge(draft.body, edits, oidBytesIn(namer.format));
  draft.body = EMPTY; // a large transaction's old trees need not be held beside the new ones
  if (body.length === 0) return null;
  const object = namer.object('tree', body);
  if (object.oid !== draft.base) out.push(draft.base === null ? object : { ...object, like: draft.base });
  return object.oid;
}

interface EntryEdit {
  /** The name as Git sorts it. */
  readonly key: string;
  readonly mode: string;
  readonly name: string;
  readonly oid: Oid | null;
}

/** Merges sorted edits into a tree's bytes, copying the runs between them. */
function merge(body: Uint8Array, edits: readonly EntryEdit[], oidBytes: number): Uint8Array {
  let room = body.length;
  for (const { mode, name, oid } of edits) if (oid !== null) room += entrySize(mode, name, oid);
  const out = allocate(room);
  let at = 0;
  const cursor = new TreeCursor(body, oidBytes);
  let copied = 0;
  const copyUpTo = (end: number): void => {
    if (end > copied) out.set(body.subarray(copied, end), at);
    at += end - copied;
    copied = end;
  };
  let more = cursor.next();
  for (const { key, mode, name, oid } of edits) {
    let order = more ? cursor.compareTo(key) : 1;
    while (more && order < 0) {
      more = cursor.next();
      order = more ? cursor.compareTo(key) : 1;
    }
    copyUpTo(more ? cursor.start : body.length);
    if (oid !== null) at = writeEntry(mode, name, oid, out, at);
    if (order !== 0) continue;
    copied = cursor.end;
    more = cursor.next();
  }
  copyUpTo(body.length);
  return shrink(out, at);
}
