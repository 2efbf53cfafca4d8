import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

interface PackageFile {
  readonly name: string;
  readonly version: string;
  readonly [field: string]: unknown;
}

/** The installed package: the nearest folder above this file that has a package.json of this name. */
export function findPackage(): { root: string; pjson: PackageFile } {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const pjson = readPackage(join(folder, 'package.json'));
    if (pjson?.name === 'git-kv') return { root: folder, pjson };
    if (folder === dirname(folder)) throw new Error('git-kv is installed without its package.json');
  }
}

function readPackage(file: string): PackageFile | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as PackageFile;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined; // look one folder higher
    throw error;
  }
}
