import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { POLICY_PATH } from '../../../domain/ledger/refs.js';
import { KvError } from '../../../ports/error.js';
import { reasonOf } from './files.js';

/** The work tree's top folder; null in a bare repository, and inside a Git directory. */
export async function workTree(): Promise<string | null> {
  try {
    const { stdout } = await promisify(execFile)('git', ['rev-parse', '--path-format=absolute', '--show-toplevel'], {
      encoding: 'utf8',
    });
    return stdout.replace(/\n$/, '');
  } catch {
    return null; // git says so with its exit status; that there is a repository at all has been seen by whoever opened it
  }
}

/** The text of the work tree's policy file; null when there is none. Throws `IO_ERROR`. */
export async function workTreePolicy(): Promise<string | null> {
  const top = await workTree();
  if (top === null) return null;
  try {
    return await readFile(join(top, POLICY_PATH), 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new KvError('IO_ERROR', `cannot read ${POLICY_PATH}: ${reasonOf(cause)}`, {
      cause,
      hint: 'check the file and its permissions',
    });
  }
}
