import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { noHistory } from '../../ports/grammar/git-words/no-history.js';

/**
 * Gives a shallow file with which a push leaves out what any ref of the other side holds, as `noHistory` says, for as long as `work`
 * takes. A Stargate's repository is never shallow, and its folder is no place for a file that only one push reads.
 */
export async function withoutHistory<T>(oidLength: number, work: (shallowFile: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'git-kv-mirror-'));
  try {
    const file = join(folder, 'shallow');
    await writeFile(file, noHistory(oidLength));
    return await work(file);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
