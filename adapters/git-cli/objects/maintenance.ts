import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { areWorthOneIndex, MANY_PACKS } from '../../../ports/git/many-packs.js';
import { type GitPlace, runGit } from '../process/run-git.js';

/** Git's own limit (gc.autoPackLimit): below it, asking git would find nothing to do. */
const PACKS_WORTH_ASKING = 50;

const INDEX_OF_ALL = 'multi-pack-index';

/** What stands in the `.keep` file beside a pack that is being moved into place: no other program's. */
export const KEPT_BY_US = 'git-kv\n';

/** Moving a pack into place takes no time: an older `.keep` of ours is what a crash has left. Milliseconds. */
const KEPT_FOR_MS = 3_600_000;

/**
 * Every large write leaves a pack. Git's own commands let `git gc --auto` look after those when they have added one, and so does a
 * store that has written; git decides by the repository's configuration, and goes to the background if there is work.
 */
export async function maintain(place: GitPlace, objectsFolder: string): Promise<void> {
  const names = await readdir(join(objectsFolder, 'pack')).catch(() => []); // no folder: no packs
  if (names.filter((name) => name.endsWith('.pack')).length < PACKS_WORTH_ASKING) return indexTogether(place, objectsFolder);
  await Promise.all(names.filter((name) => name.endsWith('.keep')).map((name) => letGo(join(objectsFolder, 'pack', name))));
  await runGit(place, ['gc', '--auto', '--quiet']);
}

async function letGo(keep: string): Promise<void> {
  try {
    if (Date.now() - (await stat(keep)).mtimeMs < KEPT_FOR_MS || (await readFile(keep, 'utf8')) !== KEPT_BY_US) return;
    await rm(keep, { force: true });
  } catch {
    // gone meanwhile, or another user's: the pack stays as it is
  }
}

/**
 * Has git write one index of all packs (`git multi-pack-index`), where many have come since it last did: with forty packs, `cat-file` takes
 * half of its time to find objects. Who doesn't know of it reads each pack's own index. Nothing depends on it, so that it never fails.
 */
export async function indexTogether(place: GitPlace, objectsFolder: string): Promise<void> {
  const folder = join(objectsFolder, 'pack');
  try {
    const packs = (await readdir(folder)).filter((name) => name.endsWith('.pack'));
    if (packs.length < MANY_PACKS) return;
    const known = await stat(join(folder, INDEX_OF_ALL)).catch(() => null); // there is none
    const all = await Promise.all(packs.map((name) => stat(join(folder, name))));
    if (!areWorthOneIndex(all, known?.mtimeMs ?? null)) return;
    await dropStaleLock(join(folder, `${INDEX_OF_ALL}.lock`));
    await runGit(place, [INDEX_OF_ALL, 'write']);
  } catch {
    // a pack went meanwhile, or git can't be started: what reads the packs says more
  }
}

/** Git holds the lock for some seconds: an older one is what a crash has left. */
async function dropStaleLock(path: string): Promise<void> {
  const lock = await stat(path).catch(() => null); // nobody writes
  if (lock !== null && Date.now() - lock.mtimeMs > KEPT_FOR_MS) await rm(path, { force: true });
}
