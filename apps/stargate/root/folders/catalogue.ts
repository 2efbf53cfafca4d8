import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { KvError } from '../../../../ports/error.js';
import { foldedName, parseRepositoryName, type RepositoryName } from '../../../../ports/grammar/repository-name.js';

/** The repositories below a folder, each in `<owner>/<name>.git`. Links are not followed: nothing outside of the folder is served. */
export class Catalogue {
  constructor(readonly root: string) {}

  /** Where a repository lies, or would. */
  folder({ owner, name }: RepositoryName): string {
    return join(this.root, owner, `${name}.git`);
  }

  /** Where a repository lies; null where there is none of exactly that name. */
  async find(name: RepositoryName): Promise<string | null> {
    const folder = this.folder(name);
    return (await isFolder(join(this.root, name.owner))) && (await isFolder(folder)) ? folder : null;
  }

  /** The names of all, sorted. Throws `CONFIG_INVALID` when the folder can't be read. */
  async list(): Promise<string[]> {
    const owners = await foldersIn(this.root).catch((cause: NodeJS.ErrnoException) => {
      throw new KvError('CONFIG_INVALID', `cannot read ${this.root}: ${cause.code ?? cause.message}`, { cause });
    });
    const found: string[] = [];
    for (const owner of owners) {
      if (parseRepositoryName(`${owner}/x`) === null) continue;
      const folders = await foldersIn(join(this.root, owner)).catch(() => []); // somebody else's folder, or gone by now
      for (const folder of folders) {
        const name = `${owner}/${folder.replace(/\.git$/, '')}`;
        if (folder.endsWith('.git') && parseRepositoryName(name) !== null) found.push(name);
      }
    }
    return found.sort();
  }

  /** The repository that a name would collide with: the same one, or one that differs in case alone; null where there is none. */
  async taken(name: RepositoryName): Promise<string | null> {
    const wanted = foldedName(`${name.owner}/${name.name}`);
    return (await this.list()).find((one) => foldedName(one) === wanted) ?? null;
  }
}

async function foldersIn(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}

async function isFolder(path: string): Promise<boolean> {
  const there = await lstat(path).catch(() => null); // absent, or not to be seen: the same for whoever asks
  return there?.isDirectory() === true;
}
