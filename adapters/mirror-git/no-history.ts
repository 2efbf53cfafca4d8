import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Gives a shallow file with which a push leaves out what any ref of the other side holds. Git looks for that only along the history of
 * what it sends, and finds none behind a commit without parents; in a shallow repository it looks at the trees of all refs. The file
 * names a commit that does not exist, from which nothing else follows.
 */
export async function withoutHistory<T>(oidLength: number, work: (shallowFile: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'git-kv-mirror-'));
  try {
    const file = join(folder, 'shallow');
    await writeFile(file, `${'1'.repeat(oidLength)}\n`);
    return await work(file);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
