import { join } from 'node:path';
import { publishedRepositoryId } from '../../../domain/gateway/commit/policy-ref.js';
import { isRepositoryId, newRepositoryId } from '../../../domain/ledger/repository-id.js';
import type { Composition } from '../../../plugins/host/index.js';
import type { Randomness } from '../../../ports/clock.js';
import { KvError } from '../../../ports/error.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import { readKept, writeKept } from './kept-file.js';

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
  await writeKept(file, `${id}\n`);
  return id;
}

async function readId(file: string): Promise<string | null> {
  const text = (await readKept(file))?.trim();
  if (text === undefined) return null;
  if (isRepositoryId(text)) return text;
  throw new KvError('CONFIG_INVALID', `${file} holds no repository's id`, {
    hint: 'put it back from a backup; without the file, the id that was published last is taken',
  });
}
