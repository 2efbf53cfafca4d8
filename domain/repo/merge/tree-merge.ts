import { KvError } from '../../../ports/error.js';
import type { NewObject } from '../../../ports/git/git-store.js';
import type { Oid } from '../../../ports/vocabulary.js';
import { writeAscii } from '../../git/bytes.js';
import type { ObjectNamer } from '../../git/object.js';
import { fileText } from '../diff/lines.js';
import { type BytePath, toText } from '../objects/paths.js';
import type { ObjectSource } from '../objects/source.js';
import { changesBetween, type Entry, sameEntry } from '../objects/trees.js';
import { isBinary } from '../search/content.js';
import { Overlay } from '../staging/overlay.js';
import { Pending } from '../staging/pending.js';
import type { MergeConflict } from '../types.js';
import { mergeTexts } from './text-merge.js';

/** What a merge of trees is told. */
export interface TreeMergeOptions {
  readonly ours: string;
  readonly theirs: string;
  readonly favor?: 'ours' | 'theirs';
  /** How many merges of ancestors stand above this one; in such a merge, conflicts become a part of the result. */
  readonly depth: number;
}

/** The merged tree, with what is new of it; or what could not be merged. */
export interface MergedTree {
  readonly tree: Oid;
  readonly objects: readonly NewObject[];
  readonly conflicts: readonly MergeConflict[];
}

/** The tree whose three states are merged. */
export interface ThreeTrees {
  readonly base: Oid | null;
  readonly ours: Oid | null;
  readonly theirs: Oid | null;
}

/** What becomes of one path: what stands there, and why that is a conflict. */
interface Merged {
  readonly entry: Entry | null;
  readonly conflict: Omit<MergeConflict, 'path' | 'base' | 'ours' | 'theirs'> | null;
}

/** Merges two trees that came from one, path by path, as `git merge` does it without looking for renames. */
export async function mergeTrees(
  source: ObjectSource,
  namer: ObjectNamer,
  { base, ours, theirs }: ThreeTrees,
  options: TreeMergeOptions,
): Promise<MergedTree> {
  const blobs = new Map<Oid, NewObject>();
  const parts = { source, namer, pending: new Pending({}), limits: { pathBytes: Infinity, fileBytes: Infinity } };
  const overlay = new Overlay(parts, ours);
  const conflicts: MergeConflict[] = [];
  const mine = new Map((await changesBetween(source, base, ours)).map((change) => [change.path, change]));
  const puts: [BytePath, Entry, Entry | null, Entry | null][] = [];
  for (const { path, before, after } of await changesBetween(source, base, theirs)) {
    const own = mine.get(path);
    const here = own === undefined ? before : own.after;
    const { entry, conflict } =
      own === undefined
        ? { entry: after, conflict: null }
        : await mergePath(source, namer, { base: before, ours: here, theirs: after }, options, blobs);
    if (conflict !== null) conflicts.push(told(path, before, here, after, conflict));
    if (entry === null) await overlay.set(path, null);
    else puts.push([path, entry, before, here]);
  }
  for (const [path, entry, before, here] of puts) {
    if (await placed(overlay, path, entry)) continue;
    conflicts.push(told(path, before, here, entry, { kind: 'kind' }));
  }
  const objects = [...blobs.values()];
  const tree = await overlay.tree(objects);
  return { tree, objects, conflicts };
}

async function placed(overlay: Overlay, path: BytePath, entry: Entry): Promise<boolean> {
  try {
    await overlay.place(path, entry, false);
    return true;
  } catch (error) {
    // A file of one side stands where the other has a directory.
    if (KvError.is(error) && error.code === 'INPUT_INVALID') return false;
    throw error;
  }
}

function told(
  path: BytePath,
  base: Entry | null,
  ours: Entry | null,
  theirs: Entry | null,
  conflict: Pick<MergeConflict, 'kind' | 'merged'>,
): MergeConflict {
  return { path: toText(path), base: base?.oid ?? null, ours: ours?.oid ?? null, theirs: theirs?.oid ?? null, ...conflict };
}

/** Merges a path that both sides changed. */
async function mergePath(
  source: ObjectSource,
  namer: ObjectNamer,
  { base, ours, theirs }: { readonly base: Entry | null; readonly ours: Entry | null; readonly theirs: Entry | null },
  options: TreeMergeOptions,
  blobs: Map<Oid, NewObject>,
): Promise<Merged> {
  if (sameEntry(ours, theirs)) return { entry: ours, conflict: null };
  const isVirtual = options.depth > 0;
  // A merge of ancestors takes what they had in common where they can't be brought together.
  if (ours === null || theirs === null) return { entry: isVirtual ? base : (ours ?? theirs), conflict: { kind: 'delete' } };
  if (!isFile(ours) || !isFile(theirs) || (base !== null && !isFile(base))) {
    const kind = ours.mode.slice(0, 3) === theirs.mode.slice(0, 3) ? (base === null ? 'add' : 'content') : 'kind';
    return { entry: isVirtual && base !== null ? base : ours, conflict: { kind } };
  }
  const isModeClean = ours.mode === theirs.mode || ours.mode === base?.mode || theirs.mode === base?.mode;
  const mode = ours.mode === theirs.mode || ours.mode === base?.mode ? theirs.mode : ours.mode;
  const content = await mergeContent(source, { base, ours, theirs }, options);
  if (content.kind === 'binary') return { entry: isVirtual && base !== null ? base : ours, conflict: { kind: 'binary' } };
  const blob = namer.object('blob', content.merged);
  if (blob.oid !== ours.oid && blob.oid !== theirs.oid) blobs.set(blob.oid, blob);
  const entry = { mode, oid: blob.oid };
  if (content.conflicts > 0) return { entry, conflict: { kind: base === null ? 'add' : 'content', merged: content.merged } };
  return { entry, conflict: isModeClean ? null : { kind: 'kind' } };
}

async function mergeContent(
  source: ObjectSource,
  { base, ours, theirs }: { readonly base: Entry | null; readonly ours: Entry; readonly theirs: Entry },
  { ours: oursName, theirs: theirsName, favor, depth }: TreeMergeOptions,
): Promise<{ readonly kind: 'binary' } | { readonly kind: 'text'; readonly merged: Uint8Array; readonly conflicts: number }> {
  const [b, o, t] = [
    base === null ? new Uint8Array(0) : await source.blob(base.oid),
    await source.blob(ours.oid),
    await source.blob(theirs.oid),
  ];
  if (ours.oid === theirs.oid || theirs.oid === base?.oid) return { kind: 'text', merged: o, conflicts: 0 };
  if (ours.oid === base?.oid) return { kind: 'text', merged: t, conflicts: 0 };
  if (isBinary(b) || isBinary(o) || isBinary(t)) {
    if (favor !== undefined && depth === 0) return { kind: 'text', merged: favor === 'ours' ? o : t, conflicts: 0 };
    return { kind: 'binary' };
  }
  const names = { ours: oursName, theirs: theirsName, marker: MARKER + 2 * depth };
  const favored = favor === undefined || depth > 0 ? names : { ...names, favor };
  const { text, conflicts } = mergeTexts(fileText(b), fileText(o), fileText(t), favored);
  const merged = new Uint8Array(text.length);
  writeAscii(text, merged, 0);
  return { kind: 'text', merged, conflicts };
}

const MARKER = 7;

function isFile({ mode }: Entry): boolean {
  return mode.startsWith('100');
}
