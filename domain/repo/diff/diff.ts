import { KvError } from '../../../ports/error.js';
import type { Oid } from '../../../ports/vocabulary.js';
import { type BytePath, toBytePath, toText } from '../objects/paths.js';
import type { ObjectSource } from '../objects/source.js';
import { changesBetween, type EntryChange } from '../objects/trees.js';
import type { DiffOptions, PathStat } from '../types.js';
import { fileDiff, fileStat, textOf } from './file-diff.js';

/** Lines around a change where nobody says otherwise, and the most that are shown. */
const CONTEXT = 3;
const MOST_CONTEXT = 1_000_000;

/** The changes between two trees at or below some paths; all without paths. */
export async function changesAt(
  source: ObjectSource,
  before: Oid | null,
  after: Oid | null,
  paths?: readonly string[],
): Promise<EntryChange[]> {
  return within(await changesBetween(source, before, after), paths);
}

/** Those of the changes that are at or below some paths. */
export function within(changes: readonly EntryChange[], paths?: readonly string[]): EntryChange[] {
  if (paths === undefined || paths.length === 0) return [...changes];
  const wanted = paths.map((path) => toBytePath(path.replace(/\/+$/, '')));
  const isWanted = (path: BytePath): boolean =>
    wanted.some((each) => each === '' || path === each || path.startsWith(`${each}/`));
  return changes.filter(({ path }) => isWanted(path));
}

/** Changes as `git diff --no-renames` prints them. Throws `POLICY_VIOLATION` when that is longer than `most` characters. */
export async function unifiedDiff(
  source: ObjectSource,
  changes: readonly EntryChange[],
  options: DiffOptions,
  most: number,
): Promise<string> {
  const context = Math.min(MOST_CONTEXT, Math.max(0, Math.floor(options.context ?? CONTEXT)));
  let out = '';
  for (const change of changes) {
    out += await fileDiff(source, change, { context });
    if (out.length > most)
      throw new KvError('POLICY_VIOLATION', `a difference has more than ${most} characters`, {
        hint: 'ask for fewer paths',
        details: { limit: most },
      });
  }
  return textOf(out);
}

/** How many lines each changed path has more and less. */
export async function statsOf(source: ObjectSource, changes: readonly EntryChange[]): Promise<PathStat[]> {
  const stats: PathStat[] = [];
  for (const change of changes) {
    const stat = await fileStat(source, change);
    stats.push({ path: toText(change.path), added: stat?.added ?? null, deleted: stat?.deleted ?? null });
  }
  return stats;
}
