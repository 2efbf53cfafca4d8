import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { KvError } from '../../../ports/error.js';
import { reasonOf } from '../io/files.js';
import { type Kind, packageFiles } from './templates.js';

/** Which package is written, and where. */
export interface NewPlugin {
  readonly kind: Kind;
  readonly name: string;
  readonly folder: string;
  /** What npm is to install as git-kv. */
  readonly gitKv: string;
}

/** Writes the package; gives its files, in the order in which they are read. Throws `USAGE` for a folder that is in use, `IO_ERROR`. */
export async function writePlugin({ kind, name, folder, gitKv }: NewPlugin): Promise<readonly string[]> {
  const files = packageFiles(kind, name, gitKv);
  try {
    await mkdir(folder, { recursive: true });
    if ((await readdir(folder)).length > 0)
      throw new KvError('USAGE', `${folder} is not empty`, { hint: 'name another folder with --into' });
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text, { flag: 'wx' });
    }
  } catch (cause) {
    if (KvError.is(cause)) throw cause;
    throw new KvError('IO_ERROR', `cannot write ${folder}: ${reasonOf(cause)}`, {
      cause,
      hint: 'name another folder with --into',
    });
  }
  return Object.keys(files);
}
