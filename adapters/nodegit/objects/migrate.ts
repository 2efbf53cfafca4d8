import { mkdir, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { diskFailed } from '../library/failure.js';
import { syncDirectory } from './durable-file.js';

/**
 * Moves the objects of one objects folder, whose files are on the disk already, into another on the same file system; durable when it
 * resolves. Throws `IO_ERROR`, `STORAGE_FULL`; some may have moved then, and each of them whole.
 */
export async function migrate(from: string, to: string): Promise<void> {
  try {
    const folders = (await readdir(from, { withFileTypes: true })).filter((entry) => entry.isDirectory());
    for (const { name } of folders) await moveAll(join(from, name), join(to, name));
    if (folders.length > 0) await syncDirectory(to);
  } catch (error) {
    throw diskFailed('cannot take the objects of a push over', error);
  }
}

async function moveAll(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  // The index makes a pack visible, so it comes last.
  const names = (await readdir(from)).sort((a, b) => Number(a.endsWith('.idx')) - Number(b.endsWith('.idx')));
  for (const name of names) await rename(join(from, name), join(to, name));
  await syncDirectory(to);
}
