import { access, readdir, readFile, readlink, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Git holds these locks for milliseconds. Younger than this, one is never taken for stale. */
const YOUNG_MS = 2000;
/** Older than this, one is stale even where nobody can tell whether a git is at work. */
const OLD_MS = 60_000;

/** A lock on a key-value ref, behind the Git directory. */
const KV_LOCK = /^(\/.+)\/refs\/kv[^/]*\/.+\.lock$/;

/**
 * Takes the locks away that a killed git has left on the key-value refs of a clone: all of them, when git has met one (`lock`, its path).
 * Stale is what has settled while no git is at work in the clone, and in any case what is a minute old. No other ref is looked at: its
 * locks are not ours to judge; and no Stargate's, whose leader alone may. Gives how many went.
 */
export async function clearStaleLocks(lock: string): Promise<number> {
  const gitDir = gitDirOf(lock);
  if (gitDir === null || (await exists(join(gitDir, '.stargate')))) return 0;
  let atWork: Promise<boolean> | undefined;
  const isAtWork = (): Promise<boolean> => {
    atWork ??= isGitAtWork(gitDir);
    return atWork;
  };
  let cleared = 0;
  for (const path of await kvLocks(lock)) {
    const age = await stat(path).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0, // gone meanwhile
    );
    if (age < YOUNG_MS || (age < OLD_MS && (await isAtWork()))) continue;
    await rm(path, { force: true });
    cleared += 1;
  }
  return cleared;
}

/** The one command that removes a lock, and those that lie on the other key-value refs, for whoever knows that nobody holds them. */
export async function removal(lock: string): Promise<string> {
  const paths = new Set([lock, ...(await kvLocks(lock))]);
  return `rm -f ${[...paths].map((path) => `'${path.replaceAll("'", "'\\''")}'`).join(' ')}`;
}

const gitDirOf = (lock: string): string | null => KV_LOCK.exec(lock)?.[1] ?? null;

async function kvLocks(lock: string): Promise<string[]> {
  const gitDir = gitDirOf(lock);
  if (gitDir === null) return [];
  const refs = join(gitDir, 'refs');
  const names = await readdir(refs, { recursive: true }).catch(() => []); // a folder went away under it: the next try looks again
  return names.map((name) => join(refs, name)).filter((path) => KV_LOCK.test(path));
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false, // whatever the reason, it can't be used
  );
}

/** Whether a git that may hold locks is at work in a clone, of whomever. True where that can't be told: where there is no /proc. */
async function isGitAtWork(gitDir: string): Promise<boolean> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name)); // no Linux
  if (pids.length === 0) return true;
  const found = await Promise.all(pids.map((pid) => mayHoldLocks(pid, gitDir)));
  return found.includes(true);
}

async function mayHoldLocks(pid: string, gitDir: string): Promise<boolean> {
  try {
    const [name, words] = await Promise.all([readFile(`/proc/${pid}/comm`, 'utf8'), readFile(`/proc/${pid}/cmdline`, 'utf8')]);
    // Readers of objects run as long as the command that asks them.
    if (!name.startsWith('git') || /\0cat-file\0/.test(words)) return false;
    const folder = await readlink(`/proc/${pid}/cwd`);
    const place = dirname(gitDir);
    return `${folder}/`.startsWith(`${place}/`) || words.includes(gitDir);
  } catch (error) {
    // It has ended; or it is another user's, who may share the clone.
    return ['EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '');
  }
}
