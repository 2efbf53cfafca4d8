import { open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { publishedRepositoryId } from '../../../domain/gateway/commit/policy-ref.js';
import { isRepositoryId, newRepositoryId } from '../../../domain/ledger/repository-id.js';
import type { Composition } from '../../../plugins/host/index.js';
import type { Randomness } from '../../../ports/clock.js';
import { KvError } from '../../../ports/error.js';
import type { GitStore } from '../../../ports/git-store.js';
import { diskErrorCode } from '../../../ports/grammar/out-of-space.js';
import { syncPath } from '../sync-path.js';

/** Where a repository's id lies, from the repository's folder. */
export const OWN_ID = join('.stargate', 'repository-id');

/**
 * Gives a repository's id. One that has none yet, since an earlier version made it or a mirror is all that was left of it, keeps the id
 * that was published last, or gets a new one. Throws `CONFIG_INVALID` for a file that holds no id, `STORAGE_FULL`, `IO_ERROR`.
 */
export async function ownRepositoryId(gitDir: string, composition: Composition): Promise<string> {
  const file = join(gitDir, OWN_ID);
  const kept = await readId(file);
  if (kept !== null) return kept;
  const published = await publishedRepositoryId(await composition.get<GitStore>('git-store'));
  const id = published ?? newRepositoryId(await composition.get<Randomness>('randomness'));
  await writeId(file, id);
  return id;
}

async function readId(file: string): Promise<string | null> {
  let text: string;
  try {
    text = (await readFile(file, 'utf8')).trim();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new KvError('IO_ERROR', `cannot read ${file}: ${(cause as Error).message}`, { cause });
  }
  if (isRepositoryId(text)) return text;
  throw new KvError('CONFIG_INVALID', `${file} holds no repository's id`, {
    hint: 'put it back from a backup; without the file, the id that was published last is taken',
  });
}

/** Whole or not at all, and on the disk: an id that is published is not to be forgotten. */
async function writeId(file: string, id: string): Promise<void> {
  const draft = `${file}.new`;
  try {
    const handle = await open(draft, 'w', 0o600);
    try {
      await handle.writeFile(`${id}\n`);
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
