import type { Oid } from '../../../ports/vocabulary.js';
import { readAhead } from '../read-ahead.js';
import { type DirPair, NextLevel, type OpenedPair, openPairs, type TreeChange, TreeComparison } from './tree-diff.js';
import type { TreeReader } from './tree-draft.js';
import type { TreeWalk } from './tree-shape.js';

/** How a difference of trees is cut in parts. */
export interface Parting {
  /** How many directories down the first of the two levels lies whose directories parts are made of. */
  readonly depth: number;
  /** What directories of one of these levels have in common that are in one part. */
  readonly group: (path: string) => string;
}

/** Directories of the second level that make a part, at least: fewer would be a request for every few trees. */
const TOGETHER = 256;

/**
 * The files that differ between two trees, as `diffTrees` gives them, but in parts, so that a large difference is never held whole.
 * Directories of the second level of one group, whose parents are of one group, are in one part; what lies above them comes first. A
 * part has what lies below about 256 of them, or below one group. The next part's trees are read while the caller has one.
 */
export async function* diffInParts(
  store: TreeReader,
  before: Oid | null,
  after: Oid | null,
  oidBytes: number,
  { depth, group }: Parting,
  walk: TreeWalk,
): AsyncGenerator<TreeChange[]> {
  const comparison = new TreeComparison(store, oidBytes, walk);
  const through = async (level: readonly DirPair[], changes: TreeChange[]): Promise<DirPair[]> => {
    const { next, parts } = comparison.open(level);
    for await (const part of parts) for (const change of part) changes.push(change);
    return next;
  };
  let level = comparison.roots(before, after);
  const above: TreeChange[] = [];
  for (let at = 0; at < depth && level.length > 0; at++) level = await through(level, above);
  if (above.length > 0) yield above;
  if (level.length === 0) return;
  const opened = grouped(await openPairs(store, level), group);
  const parts = partsOf(opened, group, async (pair, changes) => {
    const below = new NextLevel(oidBytes, walk);
    for (const one of pair) await comparison.compare(one, below, changes);
    return below.pairs;
  });
  yield* readAhead(parts, async ({ next, changes }) => {
    for (let rest = next; rest.length > 0; ) rest = await through(rest, changes);
    return changes;
  });
}

interface Part {
  readonly next: DirPair[];
  readonly changes: TreeChange[];
}

/** Compares the directories of the first level, group by group, and gathers those of the second. */
async function* partsOf(
  first: Iterable<readonly OpenedPair[]>,
  group: Parting['group'],
  compare: (pairs: readonly OpenedPair[], changes: TreeChange[]) => Promise<readonly DirPair[]>,
): AsyncGenerator<Part> {
  let part: Part = { next: [], changes: [] };
  for (const pairs of first) {
    const below = await compare(pairs, part.changes);
    for (const second of grouped(below, group)) {
      part.next.push(...second);
      if (part.next.length < TOGETHER) continue;
      yield part;
      part = { next: [], changes: [] };
    }
  }
  if (part.next.length + part.changes.length > 0) yield part;
}

/** Directories by their groups, in the order in which these are first met. */
function grouped<T extends { readonly path: string }>(pairs: readonly T[], group: Parting['group']): Iterable<T[]> {
  const groups = new Map<string, T[]>();
  for (const pair of pairs) {
    const name = group(pair.path);
    const same = groups.get(name);
    if (same === undefined) groups.set(name, [pair]);
    else same.push(pair);
  }
  return groups.values();
}
