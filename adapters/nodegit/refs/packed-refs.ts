import { open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { RefName } from '../../../ports/vocabulary.js';
import { diskFailed } from '../library/failure.js';
import { syncDirectory } from '../objects/durable-file.js';

/** What holds other processes off the packed refs, as git's own lock does. */
export interface PackedRefsLock {
  /** Lets go of it. */
  release(): Promise<void>;
}

/** The file that is the lock, in a repository's common directory. */
export const PACKED_REFS_LOCK = 'packed-refs.lock';

/**
 * Locks the packed refs and takes some out of them, durably. libgit2 would write out what it had read before it took the lock, and
 * says that a ref is gone when it could not take it: with the lock held, it finds nothing there and leaves the file alone. Null when
 * somebody else has the lock. Throws `IO_ERROR`, `STORAGE_FULL` with nothing changed.
 */
export async function takeOutOfPacked(commonDir: string, refs: ReadonlySet<RefName>): Promise<PackedRefsLock | null> {
  const path = join(commonDir, PACKED_REFS_LOCK);
  const file = await open(path, 'wx').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') return null;
    throw diskFailed('cannot lock the packed refs', error);
  });
  if (file === null) return null;
  await file.close();
  const release = () => rm(path, { force: true });
  try {
    await rewrite(commonDir, refs);
    return { release };
  } catch (error) {
    await release();
    throw diskFailed('cannot rewrite the packed refs', error);
  }
}

async function rewrite(commonDir: string, refs: ReadonlySet<RefName>): Promise<void> {
  const path = join(commonDir, 'packed-refs');
  const before = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''; // nothing was ever packed
    throw error;
  });
  const after = without(before, refs);
  if (after === before) return;
  const temporary = `${path}.new`; // git's name for it too: who has the lock may overwrite it
  try {
    const file = await open(temporary, 'w', 0o666);
    try {
      await file.writeFile(after);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncDirectory(commonDir);
}

/** A packed-refs file without some refs, and without the lines behind them that tell what a tag points to. */
function without(text: string, refs: ReadonlySet<RefName>): string {
  let dropping = false;
  const kept = text.split('\n').filter((line) => {
    if (!line.startsWith('^')) dropping = refs.has(line.slice(line.indexOf(' ') + 1));
    return !dropping;
  });
  return kept.join('\n');
}
