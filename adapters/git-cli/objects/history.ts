import type { HistoryQuery } from '../../../ports/git/git-store.js';
import type { ObjectFormat, Oid } from '../../../ports/vocabulary.js';
import type { KvError } from '../../../ports/error.js';
import { gitFailed, runGit, spawnGit } from '../process/run-git.js';
import type { GitPlace } from '../process/run-git.js';
import { interrupted } from '../process/end-on.js';
import { checkOid } from '../process/guard.js';

/** Streams `git rev-list`, newest first. Ends the process when the caller stops early. */
export async function* revList(place: GitPlace, format: ObjectFormat, query: HistoryQuery): AsyncIterable<Oid> {
  const args = ['rev-list'];
  if (query.limit !== undefined) args.push(`--max-count=${Math.max(0, Math.floor(query.limit))}`);
  args.push('--end-of-options', checkOid(query.tip, format));
  if (query.exclude !== undefined) args.push(`^${checkOid(query.exclude, format)}`);
  args.push('--', ...(query.paths ?? []));
  let broken: KvError | null = null;
  let stderr = '';
  const literal = { cwd: place.cwd, env: { ...place.env, GIT_LITERAL_PATHSPECS: '1' } };
  const child = spawnGit(literal, args, (error) => (broken = error));
  child.stdin.end();
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.on('close', (code) => resolve(code)));
  const end = (): void => void child.kill('SIGKILL');
  const { signal } = query;
  const isOver = (): boolean => signal?.aborted === true;
  signal?.addEventListener('abort', end);
  try {
    if (isOver()) throw interrupted();
    let rest = '';
    for await (const chunk of child.stdout) {
      const lines = (rest + (chunk as Buffer).toString('latin1')).split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
    }
    const code = await ended;
    if (broken !== null) throw broken;
    if (isOver()) throw interrupted();
    if (code !== 0) throw gitFailed(`cannot walk the history of ${query.tip}`, stderr);
  } finally {
    signal?.removeEventListener('abort', end);
    child.kill('SIGKILL');
  }
}

/**
 * Writes a commit-graph with changed-path filters for what a commit reaches. Filters that are there already are kept, so that doing
 * it again costs little; a graph that git's own gc wrote without filters gets them. False when git would not.
 */
export async function writeChangedPaths(place: GitPlace, format: ObjectFormat, tip: Oid): Promise<boolean> {
  const args = ['commit-graph', 'write', '--stdin-commits', '--changed-paths', '--split=replace', '--no-progress'];
  const { code } = await runGit(place, args, { input: `${checkOid(tip, format)}\n` });
  return code === 0;
}

/** `git merge-base --is-ancestor`: null when git could not tell, as with an unknown commit. */
export async function mergeBaseIsAncestor(place: GitPlace, ancestor: Oid, descendant: Oid): Promise<boolean | null> {
  const { code } = await runGit(place, ['merge-base', '--is-ancestor', '--end-of-options', ancestor, descendant]);
  if (code === 0) return true;
  return code === 1 ? false : null;
}
