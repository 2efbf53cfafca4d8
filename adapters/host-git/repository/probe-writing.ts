import { randomBytes } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { diskErrorCode, KvError } from '../../../ports/index.js';

/** Enough for a journal record and some lock files; bytes. Random, since a file system may store zeros for nothing. */
const PROBE_BYTES = 256 * 1024;

/** Writes a file into a folder, synced, and takes it away again. Throws `STORAGE_FULL`, `IO_ERROR`. */
export async function probeWriting(folder: string): Promise<void> {
  const path = join(folder, 'room.probe');
  try {
    const file = await open(path, 'w', 0o600);
    try {
      await file.writeFile(randomBytes(PROBE_BYTES));
      await file.sync();
    } finally {
      await file.close();
      await rm(path, { force: true });
    }
  } catch (cause) {
    throw new KvError(diskErrorCode(cause), `cannot write to ${folder}: ${(cause as Error).message}`, {
      cause,
      hint: 'free some disk space: the Stargate tries again by itself',
    });
  }
}
