import { existsSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Direction, FetchOptions, FetchRequest } from '../../../../ports/git/git-remote.js';
import type { Oid, RefName } from '../../../../ports/vocabulary.js';
import type { GitPlace, GitResult } from '../../process/run-git.js';
import { runGit } from '../../process/run-git.js';
import { unlessRaced } from '../../refs/local-race.js';
import type { ConfiguredValues } from '../remote-url.js';
import { progressIn } from '../../process/progress.js';
import { remoteFailure } from '../failure/remote-failure.js';
import { runRemote } from '../remote-run.js';

/** Configuration that git's porcelain alone obeys. */
const PORCELAIN_ALONE =
  /^(?:url\..*\.insteadof|protocol\..*|extensions\.partialclone|remote\..*\.(?:promisor|vcs|proxy|uploadpack|partialclonefilter))$/;

/** A path, or an SSH address: what git's plumbing speaks by itself. */
const PLAIN = /^(?:ssh:\/\/|\/|\.{1,2}\/|[A-Za-z0-9._@-]+:(?!:|\/\/))/;

/** The clone that is fetched into. */
interface Here {
  readonly place: GitPlace;
  readonly commonDir: string;
}

/**
 * Whether refs can be fetched by git's plumbing, without its look at all trees of what is here, which takes longer the more keys there
 * are. That nothing is missing follows from its reading of the pack (`--strict`: each object that a new one names is here) and from what
 * the other side was told that this clone has. False where only the porcelain knows the way.
 */
export function fetchesPlainly(
  { place: { env }, commonDir }: Here,
  config: ConfiguredValues,
  url: string,
  requests: readonly FetchRequest[],
): boolean {
  if (!PLAIN.test(url) || env['GIT_ALLOW_PROTOCOL'] !== undefined) return false;
  if (!requests.every(({ remoteRef }) => OURS.test(remoteRef))) return false;
  if (config.names().some((name) => PORCELAIN_ALONE.test(name))) return false;
  return !existsSync(join(commonDir, 'shallow'));
}

/** What the product keeps in refs: of these, and of these alone, the checks are known to be enough. */
const OURS = /^refs\/kv(-[a-z]+)?\//;

const NO_SUCH = /^error: no such remote ref (\S+)$/gm;

/**
 * Fetches refs by `git fetch-pack`, and moves the refs that follow them. A ref that is not there is not an error: what followed it is
 * deleted. Throws as `GitRemote.fetch` does.
 */
export async function fetchPlainly(
  { place, commonDir }: Here,
  { remote, direction, url }: { readonly remote: string; readonly direction: Direction; readonly url: string },
  requests: readonly FetchRequest[],
  { onProgress, signal }: FetchOptions,
): Promise<void> {
  const attempt = { remote, direction, what: `cannot fetch from '${remote}'` };
  const names = requests.map(({ remoteRef }) => remoteRef);
  const how = onProgress === undefined ? ['--quiet', '--no-progress'] : [];
  onProgress?.('');
  const args = ['-c', 'fetch.fsckObjects=true', 'fetch-pack', '--thin', '--lock-pack', ...how, url, ...names];
  const onStderr = onProgress === undefined ? {} : { onStderr: progressIn(onProgress) };
  let pid: number | undefined;
  const started = (number: number | undefined): void => {
    pid = number;
  };
  const run = runRemote(place, args, { from: url, signal, started, ...onStderr }).finally(() => onProgress?.(''));
  const result = await run.catch(async (error: unknown) => {
    await unlock(commonDir, pid);
    throw error;
  });
  const absent = new Set([...result.stderr.matchAll(NO_SUCH)].map(([, ref = '']) => ref));
  if (result.code !== 0 && absent.size === 0) throw await remoteFailure(place, attempt, result.stderr);
  const found = new Map<RefName, Oid>();
  const said = result.stdout.toString('utf8');
  // What keeps a clean-up from dropping a pack before refs name its objects: it is ours to take away, whatever becomes of them.
  const locks = [...said.matchAll(/^lock .*?(pack-[0-9a-f]+\.keep)$/gm)].map(([, name = '']) => name);
  for (const [, oid = '', ref = ''] of said.matchAll(/^([0-9a-f]{40,64}) (\S+)$/gm)) found.set(ref, oid);
  const moved = await moveRefs({ place, commonDir }, requests, found);
  for (const name of locks) await rm(join(commonDir, 'objects', 'pack', name), { force: true });
  if (moved.code !== 0) throw await remoteFailure(place, attempt, moved.stderr);
}

/** Takes away what a fetch that was ended has left beside the pack that it brought: git would keep that for ever. */
async function unlock(commonDir: string, pid: number | undefined): Promise<void> {
  const folder = join(commonDir, 'objects', 'pack');
  const names = await readdir(folder).catch(() => []); // no folder: no packs
  for (const name of names.filter((one) => one.endsWith('.keep'))) {
    const text = await contentOf(join(folder, name));
    if (text?.startsWith(`fetch-pack ${pid} on `) === true) await rm(join(folder, name), { force: true });
  }
}

/** Moves what is not there already: most reads find nothing new, and need no process to find that out. */
async function moveRefs(
  { place, commonDir }: Here,
  requests: readonly FetchRequest[],
  found: ReadonlyMap<RefName, Oid>,
): Promise<Pick<GitResult, 'code' | 'stderr'>> {
  const lines = await Promise.all(
    requests.map(async ({ remoteRef, localRef }) => {
      const oid = found.get(remoteRef);
      const here = await contentOf(join(commonDir, localRef));
      if (oid !== undefined) return here === `${oid}\n` ? [] : [`update ${localRef} ${oid}`];
      if (here !== null || (await isPacked(commonDir, localRef))) return [`delete ${localRef}`];
      return [];
    }),
  );
  const due = lines.flat();
  if (due.length === 0) return { code: 0, stderr: '' };
  return unlessRaced(() => runGit(place, ['update-ref', '-m', 'fetch', '--stdin'], { input: `${due.join('\n')}\n` }));
}

/** Whether a ref that is no file may be there all the same. */
async function isPacked(commonDir: string, ref: RefName): Promise<boolean> {
  if (existsSync(join(commonDir, 'reftable'))) return true;
  return (await contentOf(join(commonDir, 'packed-refs')))?.includes(` ${ref}\n`) ?? false;
}

/** A file's text; null when there is none. */
async function contentOf(path: string): Promise<string | null> {
  return readFile(path, 'utf8').catch(() => null); // not there, or a folder: git has the words for it
}
