import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/** Why a file is not read: what stands in for the code of a system call's error, in words. */
class NoRegularFile extends Error {
  constructor(
    path: string,
    readonly code: string,
  ) {
    super(`cannot read ${path}: ${code}`);
  }
}

/**
 * Reads a file that somebody names to a process that is to go on whatever is there: a pipe that nobody writes to would be waited for
 * without end, and a device has none. Throws Node's error, or one whose `code` says in words that it is no regular file, or has more
 * than `most` bytes.
 */
export async function readRegularFile(path: string, most: number): Promise<Buffer> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stat = await file.stat();
    if (stat.isDirectory()) throw new NoRegularFile(path, 'EISDIR');
    if (!stat.isFile()) throw new NoRegularFile(path, 'it is no regular file');
    if (stat.size > most) throw new NoRegularFile(path, `it has more than ${most} bytes`);
    return await file.readFile();
  } finally {
    await file.close();
  }
}
