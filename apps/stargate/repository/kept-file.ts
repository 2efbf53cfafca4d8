import { readFile } from 'node:fs/promises';
import { KvError } from '../../../ports/error.js';
import { diskErrorCode } from '../../../ports/grammar/git-words/out-of-space.js';
import { replaceFile } from '../../replace-file.js';

/** What a small file of a Stargate's own says, such as its id; null when there is none. Throws `IO_ERROR`. */
export async function readKept(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new KvError('IO_ERROR', `cannot read ${file}: ${(cause as Error).message}`, { cause });
  }
}

/**
 * Writes such a file, for its owner alone: whole or not at all, and on the disk, since it is not to be forgotten once it counts. Throws
 * `STORAGE_FULL`, `IO_ERROR`.
 */
export async function writeKept(file: string, text: string): Promise<void> {
  try {
    await replaceFile(file, text);
  } catch (cause) {
    throw new KvError(diskErrorCode(cause), `cannot write ${file}: ${(cause as Error).message}`, { cause });
  }
}
