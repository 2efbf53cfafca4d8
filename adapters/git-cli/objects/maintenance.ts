import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type GitPlace, runGit } from '../process/run-git.js';

/** Git's own limit (gc.autoPackLimit): below it, asking git would find nothing to do. */
const PACKS_WORTH_ASKING = 50;

/**
 * Every large write leaves a pack. Git's own commands let `git gc --auto` look after those when they have added one, and so does a
 * store that has written; git decides by the repository's configuration, and goes to the background if there is work.
 */
export async function maintain(place: GitPlace, objectsFolder: string): Promise<void> {
  const names = await readdir(join(objectsFolder, 'pack')).catch(() => []); // no folder: no packs
  if (names.filter((name) => name.endsWith('.pack')).length < PACKS_WORTH_ASKING) return;
  await runGit(place, ['gc', '--auto', '--quiet']);
}
