import type { AtHand, NewObject } from '../../../ports/git/git-store.js';
import type { Oid } from '../../../ports/vocabulary.js';
import type { ObjectNamer } from '../../git/object.js';
import { MODE_DIR, oidBytesIn } from '../../git/tree/tree.js';
import { type EntryPlace, oidAt, placeOf, spliced } from '../../git/tree/tree-splice.js';
import { childTrees, loadBodies, seal, TreeDraft, type TreeReader } from '../../git/tree/tree-draft.js';
import type { BytePath } from './paths.js';
import { type Entry, entryNamed } from './trees.js';

/** Directories of one tree that are looked up one by one: for more, reading all of its names is cheaper. */
const FEW = 4;

/**
 * Applies edits to a tree (null removes a path): adds the new trees to `out`, gives the new root; at once where that is one edit of trees
 * at hand. Only touched trees are read.
 */
export function editTree(
  reader: TreeReader & Partial<Pick<AtHand, 'object'>>,
  namer: ObjectNamer,
  base: Oid | null,
  edits: Iterable<readonly [BytePath, Entry | null]> & { readonly size: number },
  out: NewObject[],
): Oid | Promise<Oid> {
  const only = edits.size === 1 ? editOne(reader, namer, base, edits, out) : undefined;
  return only === undefined ? editMany(reader, namer, base, edits, out) : (only ?? emptied(namer, out));
}

async function editMany(
  reader: TreeReader & Partial<Pick<AtHand, 'object'>>,
  namer: ObjectNamer,
  base: Oid | null,
  edits: Iterable<readonly [BytePath, Entry | null]>,
  out: NewObject[],
): Promise<Oid> {
  const root = draftOf(base, edits);
  const oidBytes = oidBytesIn(namer.format);
  for (let level = [root]; level.length > 0; level = level.flatMap((draft) => [...draft.dirs.values()])) {
    const waiting = reader.object === undefined ? level : level.filter((draft) => !isAtHand(reader, draft));
    if (waiting.length > 0) await loadBodies(reader, waiting);
    for (const draft of level) findDirs(draft, oidBytes);
  }
  const tree = seal(root, namer, out);
  return tree ?? emptied(namer, out);
}

function emptied(namer: ObjectNamer, out: NewObject[]): Oid {
  const empty = namer.object('tree', new Uint8Array(0));
  out.push(empty);
  return empty.oid;
}

/** A tree on the way to a path, with where the next name is in it. */
interface Step {
  readonly base: Oid | null;
  readonly body: Uint8Array;
  readonly name: BytePath;
  readonly place: EntryPlace;
}

/**
 * One edit, which is what most commits are, where all trees on its way are at hand: each is looked through once and spliced. Null for a
 * root that has become empty; undefined where a tree must be waited for.
 */
function editOne(
  reader: Partial<Pick<AtHand, 'object'>>,
  namer: ObjectNamer,
  base: Oid | null,
  edits: Iterable<readonly [BytePath, Entry | null]>,
  out: NewObject[],
): Oid | null | undefined {
  const [[path, entry] = ['', null]] = edits;
  const oidBytes = oidBytesIn(namer.format);
  const steps: Step[] = [];
  let tree = base;
  for (let from = 0; from <= path.length; ) {
    const slash = path.indexOf('/', from);
    const isLast = slash < 0;
    const name = path.slice(from, isLast ? path.length : slash);
    const object = tree === null ? null : (reader.object?.(tree) ?? undefined);
    if (object === undefined || (object !== null && object.type !== 'tree')) return undefined;
    const body = object?.body ?? EMPTY;
    const place = placeOf(body, oidBytes, isLast ? name : `${name}/`);
    steps.push({ base: tree, body, name, place });
    tree = !isLast && place.end > place.start ? oidAt(body, place, oidBytes) : null;
    from = isLast ? path.length + 1 : slash + 1;
  }
  let made: Entry | null = entry;
  for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
    const body: Uint8Array = spliced(step.body, step.place, made === null ? null : { ...made, name: step.name });
    if (body.length === 0) {
      made = null;
      continue;
    }
    const object = namer.object('tree', body);
    if (object.oid === step.base) return base;
    out.push(step.base === null ? object : { oid: object.oid, type: 'tree', body, like: step.base });
    made = { mode: MODE_DIR, oid: object.oid };
  }
  return made === null ? null : made.oid;
}

const EMPTY = new Uint8Array(0);

/** Takes the body of a draft's base where it needn't be waited for. */
function isAtHand(reader: Partial<Pick<AtHand, 'object'>>, draft: TreeDraft): boolean {
  if (draft.base === null) return true;
  const object = reader.object?.(draft.base) ?? null;
  if (object?.type !== 'tree') return false;
  draft.body = object.body;
  return true;
}

function draftOf(base: Oid | null, edits: Iterable<readonly [BytePath, Entry | null]>): TreeDraft {
  const root = new TreeDraft(base);
  for (const [path, entry] of edits) {
    let draft = root;
    let from = 0;
    for (let slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', from)) {
      const name = path.slice(from, slash);
      let below = draft.dirs.get(name);
      if (below === undefined) {
        below = new TreeDraft(null);
        draft.dirs.set(name, below);
      }
      draft = below;
      from = slash + 1;
    }
    draft.put(path.slice(from), entry?.mode ?? '', entry?.oid ?? null);
  }
  return root;
}

function findDirs(draft: TreeDraft, oidBytes: number): void {
  if (draft.dirs.size > FEW) {
    for (const [name, oid] of childTrees(draft, draft.dirs, oidBytes)) (draft.dirs.get(name) as TreeDraft).base = oid;
    return;
  }
  for (const [name, below] of draft.dirs) {
    const entry = entryNamed(draft.body, oidBytes, name);
    if (entry?.mode === MODE_DIR) below.base = entry.oid;
  }
}
