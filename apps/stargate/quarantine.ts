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
