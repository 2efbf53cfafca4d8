import type { HistoryQuery } from '../../ports/git/git-store.js';
import type { Oid } from '../../ports/vocabulary.js';
import type { MemoryObjects } from './objects.js';

/** Commits by committer time, newest first; with paths, merges are simplified as `git rev-list` does it. */
export function* walk(objects: MemoryObjects, query: HistoryQuery): Iterable<Oid> {
  const seen = new Set<Oid>(query.exclude === undefined ? [] : objects.reachable(query.exclude));
  const open: { oid: Oid; time: number }[] = [];
  const push = (oid: Oid): void => {
    if (seen.has(oid)) return;
    seen.add(oid);
    const time = objects.mustCommit(oid).time;
    let at = open.length;
    // Equal times keep the order in which they were found.
    while (at > 0 && (open[at - 1] as { time: number }).time < time) at--;
    open.splice(at, 0, { oid, time });
  };
  push(query.tip);
  let left = query.limit ?? Infinity;
  for (let next = open.shift(); next !== undefined && left > 0; next = open.shift()) {
    const { parents } = objects.mustCommit(next.oid);
    const same = query.paths === undefined ? null : sameAs(objects, next.oid, parents, query.paths);
    if (same === null) {
      left--;
      yield next.oid;
      parents.forEach(push);
    } else if (same !== 'root') {
      push(same);
    }
  }
}

/** The parent that has the same content at all paths, `root` for a first commit that has none of them, or null. */
function sameAs(objects: MemoryObjects, oid: Oid, parents: readonly Oid[], paths: readonly string[]): Oid | 'root' | null {
  if (paths.length === 0) return null;
  if (parents.length === 0) return paths.every((path) => objects.at(oid, path) === null) ? 'root' : null;
  const same = (parent: Oid): boolean => paths.every((path) => objects.at(oid, path)?.oid === objects.at(parent, path)?.oid);
  return parents.find(same) ?? null;
}
