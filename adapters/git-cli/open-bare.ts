import { readdir, realpath, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { IsIn, IsOptional, IsString } from 'class-validator';
import { KvError } from '../../ports/error.js';
import type { GitStore, ObjectFormat, OpenAdapter } from '../../ports/index.js';
import { type Environment, firstComplaint, gitFailed, gitPlace, runGit } from './process/run-git.js';
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

  /** A bundle's file, all refs of which a repository that is made begins with. */
  @IsOptional()
  @IsString()
  bundle?: string;
}

/**
 * Opens a bare repository wherever it lies, for what has many of them and is the only one that changes them: locks that are there are what
 * a crash has left. Throws `GIT_ERROR` where there is none, and none was to be made.
 */
export const open: OpenAdapter<Config, GitStore> = async ({ directory, create, bundle }, { env }) => {
  const path = resolve(directory);
  const free = await isFree(path);
  if (free && create === undefined) throw noRepository(path);
  if (free && create !== undefined) {
    const args = ['init', '--quiet', '--bare', `--object-format=${create}`, '--initial-branch=main', '--template=', '--', path];
    const { code, stderr } = await runGit(gitPlace('/', env), args);
    if (code !== 0) throw gitFailed(`cannot make a repository at '${path}'`, stderr);
    if (bundle !== undefined) await takeBundle(path, resolve(bundle), env);
  }
  const store = await openGitStore({ directory: path, env });
  // From a folder that is no repository, git looks for one around it.
  if ((await realpath(store.gitDir)) === (await realpath(path))) {
    await clearOwnedLocks(path);
    return store;
  }
  await store.close();
  throw noRepository(path);
};

function noRepository(path: string): KvError {
  return new KvError('GIT_ERROR', `no bare repository at '${path}'`, { hint: 'name a Git directory itself, or have one made' });
}

/** Brings all of a bundle, checked as a push is. A repository of which only a part came is not left behind. */
async function takeBundle(path: string, bundle: string, env: Environment): Promise<void> {
  const checked = [
    '-c',
    'transfer.unpackLimit=1',
    '-c',
    'fetch.fsckObjects=true',
    '-c',
    'core.fsync=objects,derived-metadata,reference',
  ];
  const options = ['--quiet', '--no-auto-gc', '--no-tags', '--no-write-fetch-head', '--update-head-ok'];
  const { code, stderr } = await runGit(gitPlace(path, env), [...checked, 'fetch', ...options, '--', bundle, '+refs/*:refs/*']);
  if (code === 0) return;
  await rm(path, { recursive: true, force: true });
  throw new KvError('INPUT_INVALID', `'${bundle}' can't be taken as a bundle: ${firstComplaint(stderr)}`, {
    hint: 'see `git bundle verify`',
  });
}

async function isFree(path: string): Promise<boolean> {
  try {
    return (await readdir(path)).length === 0;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true;
    throw new KvError('IO_ERROR', `cannot use '${path}': ${(error as Error).message}`, { cause: error });
  }
}
