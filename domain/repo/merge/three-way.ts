import type { NewObject } from '../../../ports/git/git-store.js';
import type { Oid } from '../../../ports/vocabulary.js';
import type { ObjectNamer } from '../../git/object.js';
import type { ObjectSource } from '../objects/source.js';
import { mergeBases } from './bases.js';
import { type MergedTree, mergeTrees, type TreeMergeOptions } from './tree-merge.js';

/** How often ancestors of ancestors are merged. */
const DEEPEST = 20;

/** A tree with what of it no store has. */
interface Virtual {
  readonly tree: Oid | null;
  /** The commits that it stands for. */
  readonly commits: readonly Oid[];
  readonly source: ObjectSource;
}

/**
 * Merges two commits. Several common ancestors, as histories that cross have, are merged first, and so are theirs (the recursive
 * strategy of `git merge`). Null where they have none in common.
 */
export async function mergeCommits(
  source: ObjectSource,
  namer: ObjectNamer,
  { ours, theirs }: { readonly ours: Oid; readonly theirs: Oid },
  options: Omit<TreeMergeOptions, 'depth'>,
): Promise<MergedTree | null> {
  const bases = await mergeBases(source, [ours], [theirs]);
  if (bases.length === 0) return null;
  const base = await virtualBase(source, namer, bases, 1);
  const trees = { base: base.tree, ours: (await source.commit(ours)).tree, theirs: (await source.commit(theirs)).tree };
  return mergeTrees(base.source, namer, trees, { ...options, depth: 0 });
}

/** One tree for several ancestors, the oldest first. */
async function virtualBase(source: ObjectSource, namer: ObjectNamer, bases: readonly Oid[], depth: number): Promise<Virtual> {
  const [first, ...others] = [...bases].reverse();
  let merged: Virtual = {
    tree: first === undefined ? null : (await source.commit(first)).tree,
    commits: first === undefined ? [] : [first],
    source,
  };
  for (const other of others) {
    const below = depth < DEEPEST ? await mergeBases(source, merged.commits, [other]) : [];
    const base = await virtualBase(merged.source, namer, below, depth + 1);
    const trees = { base: base.tree, ours: merged.tree, theirs: (await source.commit(other)).tree };
    const options = { ours: 'Temporary merge branch 1', theirs: 'Temporary merge branch 2', depth };
    const { tree, objects } = await mergeTrees(base.source, namer, trees, options);
    merged = { tree, commits: [...merged.commits, other], source: seeing(base.source, objects) };
  }
  return merged;
}

function seeing(source: ObjectSource, objects: readonly NewObject[]): ObjectSource {
  return objects.length === 0 ? source : source.behind(new Map(objects.map((object) => [object.oid, object])));
}
