import { readdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { IsIn, IsOptional, IsString } from 'class-validator';
import { KvError } from '../../ports/error.js';
import type { GitStore, ObjectFormat, OpenAdapter } from '../../ports/index.js';
import { gitFailed, gitPlace, runGit } from './process/run-git.js';
import { clearOwnedLocks } from './refs/owned-locks.js';
import { openGitStore } from './store.js';

/** Which bare repository is opened. */
export class Config {
  /** Its Git directory. */
  @IsString()
  directory!: string;

  /** Makes it with ids of this hash, `sha1` or `sha256`, where nothing is yet. Absent: it must be there. */
  @IsOptional()
  @IsIn(['sha1', 'sha256'])
  create?: ObjectFormat;
}

/**
 * Opens a bare repository wherever it lies, for what has many of them and is the only one that changes them: locks that are there are what
 * a crash has left. Throws `GIT_ERROR` where there is none, and none was to be made.
 */
export const open: OpenAdapter<Config, GitStore> = async ({ directory, create }, { env }) => {
  const path = resolve(directory);
  const free = await isFree(path);
  if (free && create !== undefined) {
    const args = ['init', '--quiet', '--bare', `--object-format=${create}`, '--initial-branch=main', '--template=', '--', path];
    const { code, stderr } = await runGit(gitPlace('/', env), args);
    if (code !== 0) throw gitFailed(`cannot make a repository at '${path}'`, stderr);
  } else if (!free) await clearOwnedLocks(path);
  return openGitStore({ directory: path, env });
};

async function isFree(path: string): Promise<boolean> {
  try {
    return (await readdir(path)).length === 0;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true;
    throw new KvError('IO_ERROR', `cannot use '${path}': ${(error as Error).message}`, { cause: error });
  }
}
