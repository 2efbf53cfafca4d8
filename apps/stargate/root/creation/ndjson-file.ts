import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { KvError } from '../../../../ports/error.js';
import { diskErrorCode } from '../../../../ports/grammar/git-words/out-of-space.js';
import { readKept } from '../../repository/kept-file.js';
import { syncPath } from '../../../sync-path.js';

/** The lines of a file that only grows. A line whose end was not written was not synced: it is cut off. Throws `IO_ERROR`. */
export async function readLines(file: string): Promise<readonly Buffer[]> {
  const lines = ((await readKept(file)) ?? '').split('\n');
  const torn = lines.pop() ?? '';
  if (torn !== '') await cutOff(file, torn);
  return lines.map((line) => Buffer.from(line));
}

/** Adds a line to such a file, synced. Throws `STORAGE_FULL`, `IO_ERROR`. */
export async function appendLine(file: string, line: string): Promise<void> {
  try {
    const handle = await open(file, 'a', 0o600);
    try {
      await handle.appendFile(`${line}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await syncPath(dirname(file));
  } catch (cause) {
    throw new KvError(diskErrorCode(cause), `cannot write ${file}: ${(cause as Error).message}`, { cause });
  }
}

async function cutOff(file: string, torn: string): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    const { size } = await handle.stat();
    await handle.truncate(size - Buffer.byteLength(torn));
    await handle.sync();
  } finally {
    await handle.close();
  }
}
