import type { NewObject } from '../../../ports/git/git-store.js';
import type { Oid } from '../../../ports/vocabulary.js';
import type { ObjectNamer } from '../../git/object.js';
import { MODE_DIR, oidBytesIn } from '../../git/tree.js';
import { childTrees, loadBodies, seal, TreeDraft, type TreeReader } from '../../git/tree-draft.js';
import type { BytePath } from './paths.js';
import { type Entry, entryNamed } from './trees.js';

/** Directories of one tree that are looked up one by one: for more, reading all of its names is cheaper. */
const FEW = 4;

/** Applies edits to a tree (null removes a path): adds the new trees to `out`, gives the new root. Only touched trees are read. */
export async function editTree(
  reader: TreeReader,
  namer: ObjectNamer,
  base: Oid | null,
  edits: Iterable<readonly [BytePath, Entry | null]>,
  out: NewObject[],
): Promise<Oid> {
  const root = draftOf(base, edits);
  const oidBytes = oidBytesIn(namer.format);
  for (let level = [root]; level.length > 0; level = level.flatMap((draft) => [...draft.dirs.values()])) {
    await loadBodies(reader, level);
    for (const draft of level) findDirs(draft, oidBytes);
  }
  const tree = seal(root, namer, out);
  if (tree !== null) return tree;
  const empty = namer.object('tree', new Uint8Array(0));
  out.push(empty);
  return empty.oid;
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
