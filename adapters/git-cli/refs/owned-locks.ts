import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

/** Git holds a lock for milliseconds: one that is older than this was left by a crash. */
const YOUNG_MS = 2000;
const LOOK_AGAIN_MS = 50;

/**
 * Removes the locks on refs and HEAD that a crash has left in a repository that no other process changes. A git that outlived its parent
 * may still be ending a transaction, so a young lock is waited for.
 */
export async function clearOwnedLocks(gitDir: string): Promise<void> {
  for (let locks = await locksIn(gitDir); locks.length > 0; locks = await locksIn(gitDir)) {
    for (const path of locks) {
      const age = await stat(path).then(
        ({ mtimeMs }) => Date.now() - mtimeMs,
        () => 0, // gone meanwhile
      );
      if (Math.abs(age) >= YOUNG_MS) await rm(path, { force: true });
    }
    await pause(LOOK_AGAIN_MS);
  }
}

async function locksIn(gitDir: string): Promise<string[]> {
  const top = ['HEAD.lock', 'packed-refs.lock'];
  const beside = (await readdir(gitDir)).filter((name) => top.includes(name));
  const below = await readdir(join(gitDir, 'refs'), { recursive: true }).catch(() => []); // a folder went away under it
  return [...beside, ...below.filter((name) => name.endsWith('.lock')).map((name) => join('refs', name))].map((name) =>
    join(gitDir, name),
  );
}
