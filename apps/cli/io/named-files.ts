import { realpath, stat } from 'node:fs/promises';
import { resolve, sep } from 'node:path';
import { KvError } from '../../../ports/error.js';
import { reasonOf } from './files.js';

/** A file that may be read, by its real path, or why it may not. */
export type NamedFile = { readonly path: string } | { readonly fault: string };

/**
 * The files that the lines of a batch or a snapshot name. Whoever wrote these lines doesn't decide what is read of this machine: a path
 * stays below the input's own folder, links followed, or below one that was allowed with `--allow-files-from`.
 */
export class NamedFiles {
  private constructor(
    private readonly base: string,
    private readonly roots: readonly string[],
  ) {}

  /** `base` is the input's folder. Throws `USAGE` for an allowed folder that is none. */
  static async open(base: string, allowed: readonly string[]): Promise<NamedFiles> {
    const roots = [await realpath(base).catch(() => resolve(base))]; // that it can't be read, the first file says
    for (const folder of allowed) roots.push(await folderAt(folder));
    return new NamedFiles(base, roots);
  }

  /** The regular file of a path, which is relative to `from`, or to the input's folder. */
  async find(path: string, from: string = this.base): Promise<NamedFile> {
    try {
      const real = await realpath(resolve(from, path));
      if (!this.roots.some((root) => isWithin(real, root)))
        return { fault: `it lies outside of ${this.roots[0]}; --allow-files-from DIR allows another folder` };
      return (await stat(real)).isFile() ? { path: real } : { fault: 'it is not a regular file' };
    } catch (cause) {
      return { fault: reasonOf(cause) };
    }
  }
}

const isWithin = (path: string, root: string): boolean =>
  path === root || path.startsWith(root.endsWith(sep) ? root : root + sep);

async function folderAt(folder: string): Promise<string> {
  try {
    const real = await realpath(folder);
    if ((await stat(real)).isDirectory()) return real;
  } catch (cause) {
    throw notAFolder(folder, reasonOf(cause));
  }
  throw notAFolder(folder, 'it is a file');
}

function notAFolder(folder: string, reason: string): KvError {
  return new KvError('USAGE', `--allow-files-from ${JSON.stringify(folder.slice(0, 200))} is no folder: ${reason}`, {
    hint: 'name the folder that the files lie in',
  });
}
