import { open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { KvError } from '../../../ports/error.js';
import { diskErrorCode } from '../../../ports/grammar/out-of-space.js';
import { syncPath } from '../sync-path.js';
import { newPrivateKey, type OwnKey, ownKey } from '../../ssh-signature.js';

/** Where the key lies with which ledger commits are signed that are made of intents, from the repository's folder. */
export const SEQUENCER_KEY = join('.stargate', 'sequencer-key');

/**
 * Opens the key of a repository's sequencer; the first leader makes it. Throws `CONFIG_INVALID` for a file that holds none,
 * `STORAGE_FULL`, `IO_ERROR`.
 */
export async function openSequencerKey(gitDir: string): Promise<OwnKey> {
  const file = join(gitDir, SEQUENCER_KEY);
  const kept = await read(file);
  if (kept !== null) return ownKey(kept);
  const made = newPrivateKey();
  await write(file, made);
  return ownKey(made);
}

async function read(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new KvError('IO_ERROR', `cannot read ${file}: ${(cause as Error).message}`, { cause });
  }
}

/** Whole or not at all, and on the disk: what was signed with it is to be signed with it tomorrow. */
async function write(file: string, pem: string): Promise<void> {
  const draft = `${file}.new`;
  try {
    await rm(draft, { force: true });
    const handle = await open(draft, 'wx', 0o600);
    try {
      await handle.writeFile(pem);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(draft, file);
    await syncPath(dirname(file));
  } catch (cause) {
    await rm(draft, { force: true });
    throw new KvError(diskErrorCode(cause), `cannot write ${file}: ${(cause as Error).message}`, { cause });
  }
}
