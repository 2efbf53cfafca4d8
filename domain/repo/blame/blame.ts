import type { Oid } from '../../../ports/vocabulary.js';
import { MODE_DIR } from '../../git/tree/tree.js';
import { fileText, splitLines, trimCommonTail } from '../diff/lines.js';
import { lineChanges } from '../diff/line-changes.js';
import { CommitQueue } from '../log/commit-queue.js';
import type { CommitFacts } from '../objects/commit-object.js';
import type { BytePath } from '../objects/paths.js';
import type { ObjectSource } from '../objects/source.js';
import { changesBetween, type Entry, entryAt } from '../objects/trees.js';

/** Where a line of a file comes from: a commit, and the place it had there, from 0. */
export interface Origin {
  readonly commit: Oid;
  readonly line: number;
}

/** Lines that are blamed on a commit for now: where they stand in the file, and where in that commit's. */
interface Suspect {
  readonly commit: CommitFacts;
  readonly path: BytePath;
  readonly entry: Entry;
  readonly lines: { readonly final: number; readonly at: number }[];
}

/**
 * For each line of a file the commit that it is from, as `git blame` finds it: a commit hands each line on to the first parent that has
 * it. A file that was moved whole is followed.
 */
export async function blameLines(source: ObjectSource, tip: Oid, path: BytePath, entry: Entry): Promise<Origin[]> {
  const count = splitLines(fileText(await source.blob(entry.oid))).length;
  const origins: Origin[] = new Array(count);
  const suspects = new Map<string, Suspect>();
  const paths = new Map<Oid, Set<BytePath>>();
  const queue = new CommitQueue();
  const suspect = (commit: CommitFacts, at: BytePath, there: Entry, lines: Suspect['lines']): void => {
    const key = `${commit.oid} ${at}`;
    const known = suspects.get(key);
    if (known !== undefined) {
      known.lines.push(...lines);
      return;
    }
    suspects.set(key, { commit, path: at, entry: there, lines: [...lines] });
    const others = paths.get(commit.oid);
    if (others !== undefined) others.add(at);
    else {
      paths.set(commit.oid, new Set([at]));
      queue.push(commit);
    }
  };
  suspect(
    await source.commit(tip),
    path,
    entry,
    Array.from({ length: count }, (_, line) => ({ final: line, at: line })),
  );
  for (let commit = queue.pop(); commit !== undefined; commit = queue.pop()) {
    for (const at of paths.get(commit.oid) ?? []) {
      const key = `${commit.oid} ${at}`;
      const blamed = suspects.get(key) as Suspect; // each path of a commit that waits has one
      suspects.delete(key);
      for (const { final, at: line } of await handOn(source, blamed, suspect)) origins[final] = { commit: commit.oid, line };
    }
    paths.delete(commit.oid);
  }
  return origins;
}

/** Gives what parents have to them; what is left is the commit's own. */
async function handOn(
  source: ObjectSource,
  { commit, path, entry, lines }: Suspect,
  suspect: (commit: CommitFacts, path: BytePath, entry: Entry, lines: Suspect['lines']) => void,
): Promise<Suspect['lines']> {
  const parents: { readonly facts: CommitFacts; readonly path: BytePath; readonly entry: Entry }[] = [];
  for (const oid of commit.parents) {
    const facts = await source.commit(oid);
    const place = await placeIn(source, facts, commit, path, entry);
    if (place === null) continue;
    if (place.entry.oid === entry.oid) {
      suspect(facts, place.path, place.entry, lines);
      return [];
    }
    parents.push({ facts, ...place });
  }
  let left = lines;
  const text = parents.length === 0 ? '' : fileText(await source.blob(entry.oid));
  for (const { facts, path: at, entry: there } of parents) {
    if (left.length === 0) break;
    const toParent = lineMap(fileText(await source.blob(there.oid)), text);
    const handed: Suspect['lines'] = [];
    const kept: Suspect['lines'] = [];
    for (const line of left) {
      const old = toParent(line.at);
      if (old === null) kept.push(line);
      else handed.push({ final: line.final, at: old });
    }
    if (handed.length > 0) suspect(facts, at, there, handed);
    left = kept;
  }
  return left;
}

/** Where a parent has the file: at its path, or where the same content was that the commit no longer has there. */
async function placeIn(
  source: ObjectSource,
  parent: CommitFacts,
  commit: CommitFacts,
  path: BytePath,
  entry: Entry,
): Promise<{ readonly path: BytePath; readonly entry: Entry } | null> {
  const same = await entryAt(source, parent.tree, path);
  if (same !== null && same.mode !== MODE_DIR) return { path, entry: same };
  for (const { path: old, before, after } of await changesBetween(source, parent.tree, commit.tree))
    if (after === null && before?.oid === entry.oid) return { path: old, entry: before };
  return null;
}

/** Gives for a line of the newer text where the older one has it; null for a line that is new. */
function lineMap(old: string, next: string): (line: number) => number | null {
  const script = lineChanges(...(trimCommonTail(old, next).map(splitLines) as [string[], string[]]));
  return (line) => {
    let [low, high] = [0, script.length];
    while (low < high) {
      const mid = (low + high) >> 1;
      if ((script[mid]?.b ?? 0) <= line) low = mid + 1;
      else high = mid;
    }
    const change = script[low - 1];
    if (change === undefined) return line;
    if (line < change.b + change.added) return null;
    return line - (change.b + change.added) + change.a + change.removed;
  };
}
