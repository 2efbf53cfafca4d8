import type { Oid } from '../../../ports/vocabulary.js';
import type { CommitFacts } from '../objects/commit-object.js';
import type { BytePath } from '../objects/paths.js';
import type { ObjectSource } from '../objects/source.js';
import { entryAt, sameEntry } from '../objects/trees.js';
import { CommitQueue } from './commit-queue.js';

/** Which commits a walk gives. */
export interface WalkQuery {
  readonly exclude?: readonly Oid[];
  /** Files or directories; what changed none of these is left out, and a merge is followed to a parent with the same alone. */
  readonly paths?: readonly BytePath[];
  readonly firstParent?: boolean;
}

/** Commits from tips back by committer time, newest first, as `git rev-list` gives them. */
export async function* walkCommits(
  source: ObjectSource,
  tips: readonly Oid[],
  query: WalkQuery = {},
): AsyncGenerator<CommitFacts> {
  const seen = await reachable(source, query.exclude ?? []);
  const queue = new CommitQueue();
  const push = async (oid: Oid): Promise<void> => {
    if (seen.has(oid)) return;
    seen.add(oid);
    queue.push(await source.commit(oid));
  };
  for (const tip of tips) await push(tip);
  for (let commit = queue.pop(); commit !== undefined; commit = queue.pop()) {
    const parents = query.firstParent === true ? commit.parents.slice(0, 1) : commit.parents;
    const same = query.paths === undefined ? null : await sameAs(source, commit, parents, query.paths);
    if (same === null) yield commit;
    if (same === 'root') continue;
    for (const parent of same === null ? parents : [same]) await push(parent);
  }
}

/** All commits that these reach, themselves included. */
export async function reachable(source: ObjectSource, tips: readonly Oid[]): Promise<Set<Oid>> {
  const seen = new Set<Oid>(tips);
  const open = [...seen];
  for (let oid = open.pop(); oid !== undefined; oid = open.pop()) {
    for (const parent of (await source.commit(oid)).parents) {
      if (seen.has(parent)) continue;
      seen.add(parent);
      open.push(parent);
    }
  }
  return seen;
}

/** Whether a commit is another or can be reached from it. Commits that are older than the wanted one are followed too: clocks differ. */
export async function reaches(source: ObjectSource, from: Oid, wanted: Oid): Promise<boolean> {
  if (from === wanted) return true;
  const seen = new Set<Oid>([from]);
  const queue = new CommitQueue();
  queue.push(await source.commit(from));
  for (let commit = queue.pop(); commit !== undefined; commit = queue.pop()) {
    for (const parent of commit.parents) {
      if (parent === wanted) return true;
      if (seen.has(parent)) continue;
      seen.add(parent);
      queue.push(await source.commit(parent));
    }
  }
  return false;
}

/** The first parent that is the same at all paths; `root` for a first commit that has none of them; null where something changed. */
async function sameAs(
  source: ObjectSource,
  commit: CommitFacts,
  parents: readonly Oid[],
  paths: readonly BytePath[],
): Promise<Oid | 'root' | null> {
  if (paths.length === 0) return null;
  const here = await Promise.all(paths.map((path) => entryAt(source, commit.tree, path)));
  if (parents.length === 0) return here.every((entry) => entry === null) ? 'root' : null;
  for (const parent of parents) {
    const { tree } = await source.commit(parent);
    let same = true;
    for (let i = 0; same && i < paths.length; i++)
      same = sameEntry(here[i] ?? null, await entryAt(source, tree, paths[i] as BytePath));
    if (same) return parent;
  }
  return null;
}
