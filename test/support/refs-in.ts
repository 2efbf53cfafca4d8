import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Every ref of a bare repository, by name, and what it points to, as git's own files have them: whoever waits for a ref looks many times,
 * and a process for each look would be most of what the test computes.
 */
export async function refsIn(gitDir: string): Promise<Map<string, string>> {
  const loose = await looseRefs(gitDir, 'refs'); // before the packed ones: on its way from here to there a ref is in both
  const refs = new Map([...(await packedRefs(gitDir)), ...loose]);
  return new Map([...refs].sort(([a], [b]) => (a < b ? -1 : 1)));
}

async function looseRefs(gitDir: string, folder: string): Promise<[string, string][]> {
  const entries = await readdir(join(gitDir, folder), { withFileTypes: true }).catch(ifThere);
  const found = (entries ?? []).map(async (entry): Promise<[string, string][]> => {
    const name = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return looseRefs(gitDir, name);
    if (name.endsWith('.lock')) return [];
    const text = await readFile(join(gitDir, name), 'utf8').catch(ifThere);
    return text === undefined ? [] : [[name, text.trim()]];
  });
  return (await Promise.all(found)).flat();
}

async function packedRefs(gitDir: string): Promise<[string, string][]> {
  const text = (await readFile(join(gitDir, 'packed-refs'), 'utf8').catch(ifThere)) ?? '';
  return [...text.matchAll(/^([0-9a-f]+) (refs\/.+)$/gm)].map(([, oid = '', name = '']) => [name, oid]);
}

/** For a file or folder that git has removed meanwhile, or never made. */
function ifThere(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
