import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { KvError } from '../../../ports/error.js';
import { diskErrorCode } from '../../../ports/grammar/git-words/out-of-space.js';
import type { RefUpdate } from '../../../ports/vocabulary.js';

/** Syncs what a prepared ref transaction is about to rename into place. Throws `IO_ERROR`, `STORAGE_FULL`. */
export type SyncLocks = (updates: readonly RefUpdate[]) => Promise<void>;

/** What `core.fsync=reference` syncs from git 2.36 on: the lock files of refs, and packed refs that a deletion rewrites. */
export function syncLocksIn(commonDir: string): SyncLocks {
  return async (updates) => {
    const files = updates.filter(({ next }) => next !== null).map(({ ref }) => `${ref}.lock`);
    if (files.length < updates.length) files.push('packed-refs.new');
    await Promise.all(files.map((file) => sync(join(commonDir, file))));
  };
}

async function sync(path: string): Promise<void> {
  try {
    const file = await open(path, 'r');
    try {
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    // Nothing packed to rewrite, or a ref that stays as it is.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw new KvError(diskErrorCode(error), `cannot sync '${path}': ${(error as Error).message}`, {
      hint: 'check the disk; no ref was moved',
      cause: error,
    });
  }
}
