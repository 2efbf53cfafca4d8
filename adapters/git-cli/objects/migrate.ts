import { mkdir, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { KvError } from '../../../ports/error.js';
import { diskErrorCode } from '../../../ports/grammar/git-words/out-of-space.js';
import { syncDirectory } from '../process/durable-file.js';

/**
 * Moves the objects of one objects folder, whose files are on the disk already, into another on the same file system; durable when it
 * resolves. Throws `IO_ERROR`, `STORAGE_FULL`; some may have moved then, and each of them whole.
 */
export async function migrate(from: string, to: string): Promise<void> {
  try {
    const folders = (await readdir(from, { withFileTypes: true })).filter((entry) => entry.isDirectory());
    for (const { name } of folders) await moveAll(join(from, name), join(to, name));
    if (folders.length > 0) await syncDirectory(to);
  } catch (cause) {
    throw new KvError(diskErrorCode(cause), `cannot take the objects of a push over: ${(cause as Error).message}`, {
      cause,
      hint: 'free disk space or fix the permissions of the repository, then try again',
    });
  }
}

async function moveAll(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  // The index makes a pack visible, so it comes last.
  const names = (await readdir(from)).sort((a, b) => Number(a.endsWith('.idx')) - Number(b.endsWith('.idx')));
  for (const name of names) await rename(join(from, name), join(to, name));
  await syncDirectory(to);
}
