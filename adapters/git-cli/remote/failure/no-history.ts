import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { noHistory } from '../../../../ports/grammar/git-words/no-history.js';
import { type ObjectFormat, OID_HEX_LENGTH } from '../../../../ports/vocabulary.js';
import type { GitPlace } from '../../process/run-git.js';

/**
 * Works at a place in which a push leaves out what any ref of the other side holds, as `noHistory` says. The file stays in the clone,
 * which may be shallow itself; the mirror's counterpart is a temporary one, for a repository that never is.
 */
export async function withoutHistory<T>(
  { place, commonDir, format }: { readonly place: GitPlace; readonly commonDir: string; readonly format: ObjectFormat },
  work: (place: GitPlace) => Promise<T>,
): Promise<T> {
  const file = join(commonDir, 'kv', 'no-history');
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, noHistory(OID_HEX_LENGTH[format], await ownShallow(commonDir)));
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
