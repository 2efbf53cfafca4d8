import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Removes what pushes that were cut off have left in `objects/`: git clears up by itself, unless it was killed.
 * `olderThan` in milliseconds keeps away from those that may still be in use. Gives how many were removed.
 */
export async function sweepQuarantines(gitDir: string, olderThan: number): Promise<number> {
  const objects = join(gitDir, 'objects');
  const names = (await readdir(objects)).filter((name) => /^(tmp_objdir-)?incoming-/.test(name));
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
 */
export async function removeKeeps(quarantine: string): Promise<void> {
  const folder = join(quarantine, 'pack');
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []; // no pack came
    throw error;
  });
  for (const name of names) if (name.endsWith('.keep')) await rm(join(folder, name), { force: true });
}
