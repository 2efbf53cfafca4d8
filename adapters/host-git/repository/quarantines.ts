import { readdir, realpath, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, normalize } from 'node:path';
import { isQuarantineName } from '../../../ports/git/quarantine-folder.js';
import { KvError } from '../../../ports/index.js';

/**
 * Removes what pushes that were cut off have left in `objects/`: git clears up by itself, unless it was killed.
 * `olderThan` in milliseconds keeps away from those that may still be in use. Gives how many were removed.
 */
export async function sweepQuarantines(gitDir: string, olderThan: number): Promise<number> {
  const objects = join(gitDir, 'objects');
  const names = (await readdir(objects)).filter(isQuarantineName);
  let removed = 0;
  for (const name of names) {
    const age = await stat(join(objects, name)).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => -1, // gone meanwhile: its push has ended
    );
    if (age < olderThan || age < 0) continue;
    await rm(join(objects, name), { recursive: true, force: true });
    removed += 1;
  }
  return removed;
}

/**
 * Removes the `.keep` file that receive-pack puts beside a pushed pack. If a cut-off push left one, or one at hand holds it, git
 * from 2.47 on would refuse the same pack when it is pushed again. Nothing here drops objects on their way from arrival to refs.
 * Throws `GIT_ERROR` unless the quarantine is a folder right inside the repository's object store.
 */
export async function prepareQuarantine(gitDir: string, quarantine: string): Promise<void> {
  const objects = join(gitDir, 'objects');
  const folder = normalize(dirname(quarantine));
  // Where the path to the repository has a symbolic link in it, git names the quarantine by where that leads.
  const inside = folder === normalize(objects) || folder === (await realpath(objects));
  if (!inside || !isQuarantineName(basename(quarantine))) {
    throw new KvError('GIT_ERROR', 'the hook names a quarantine outside of the repository');
  }
  const packs = join(quarantine, 'pack');
  const names = await readdir(packs).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []; // no pack came
    throw error;
  });
  for (const name of names) if (name.endsWith('.keep')) await rm(join(packs, name), { force: true });
}
