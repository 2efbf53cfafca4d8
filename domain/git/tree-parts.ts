import type { Oid } from '../../ports/vocabulary.js';
import { readAhead } from './read-ahead.js';
import { comparePair, type DirPair, type OpenedPair, openPairs, type TreeChange } from './tree-diff.js';
import type { TreeReader } from './tree-draft.js';

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
): AsyncGenerator<TreeChange[]> {
  let level: DirPair[] = before === after ? [] : [{ path: '', before, after }];
  const above: TreeChange[] = [];
  for (let at = 0; at < depth && level.length > 0; at++) {
    const next: DirPair[] = [];
    for (const opened of await openPairs(store, level)) comparePair(opened, oidBytes, next, above);
    level = next;
  }
  if (above.length > 0) yield above;
  if (level.length === 0) return;
  const parts = partsOf(await openPairs(store, level), oidBytes, group);
  yield* readAhead(parts, async ({ next, changes }) => {
    for (let rest = next; rest.length > 0; ) {
      const below: DirPair[] = [];
      for (const opened of await openPairs(store, rest)) comparePair(opened, oidBytes, below, changes);
      rest = below;
    }
    return changes;
  });
}

interface Part {
  readonly next: DirPair[];
  readonly changes: TreeChange[];
}

/** Compares the directories of the first level, group by group, and gathers those of the second. */
function* partsOf(opened: readonly OpenedPair[], oidBytes: number, group: Parting['group']): Generator<Part> {
  let part: Part = { next: [], changes: [] };
  for (const first of grouped(opened, group)) {
    const below: DirPair[] = [];
    for (const pair of first) comparePair(pair, oidBytes, below, part.changes);
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
