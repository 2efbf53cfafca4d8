import type { NewObject } from '../../../ports/git-store.js';
import type { Oid } from '../../../ports/vocabulary.js';
import type { ObjectNamer } from '../../git/object.js';
import { oidBytesIn } from '../../git/tree.js';
import { PathEdits, seal, type TreeReader } from '../../git/tree-draft.js';
import type { BytePath } from './paths.js';
import type { Entry } from './trees.js';

/** Applies edits to a tree (null removes a path): adds the new trees to `out`, gives the new root. Only touched trees are read. */
export async function editTree(
  reader: TreeReader,
  namer: ObjectNamer,
  base: Oid | null,
  edits: Iterable<readonly [BytePath, Entry | null]>,
  out: NewObject[],
): Promise<Oid> {
  const drafts = new PathEdits();
  for (const [path, entry] of edits) {
    const dirs = path.split('/');
    const name = dirs.pop() as string; // a split gives one part at least
    drafts.put(dirs, name, { mode: entry?.mode ?? '', oid: entry?.oid ?? null, previous: null });
  }
  if (drafts.empty && base !== null) return base;
  const draft = await drafts.load(reader, base, oidBytesIn(namer.format));
  const root = seal(draft, namer, out);
  if (root !== null) return root;
  const empty = namer.object('tree', new Uint8Array(0));
  out.push(empty);
  return empty.oid;
}
