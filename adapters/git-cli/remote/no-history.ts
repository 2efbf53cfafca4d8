import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type ObjectFormat, OID_HEX_LENGTH } from '../../../ports/vocabulary.js';
import type { GitPlace } from '../process/run-git.js';

/**
 * A place in which a push leaves out what any ref of the other side holds. Git looks for that only along the history of what it sends,
 * and finds none behind a commit without parents; in a shallow clone, where history says little, it looks at the trees of all refs.
 * So git is told that the clone is shallow, at a commit that does not exist: nothing else follows from that.
 */
export async function withoutHistory<T>(
  { place, commonDir, format }: { readonly place: GitPlace; readonly commonDir: string; readonly format: ObjectFormat },
  work: (place: GitPlace) => Promise<T>,
): Promise<T> {
  const file = join(commonDir, 'kv', 'no-history');
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${await ownShallow(commonDir)}${'1'.repeat(OID_HEX_LENGTH[format])}\n`);
  return work({ ...place, env: { ...place.env, GIT_SHALLOW_FILE: file } });
}

/** Where the history of a clone that is shallow really ends. */
async function ownShallow(commonDir: string): Promise<string> {
  try {
    return await readFile(join(commonDir, 'shallow'), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
