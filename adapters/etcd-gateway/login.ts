import { open } from 'node:fs/promises';
import { KvError } from '../../ports/index.js';

/** A user of etcd, and where its password is: both or neither. */
export interface LoginFiles {
  readonly user?: string | undefined;
  readonly passwordFile?: string | undefined;
}

/** What etcd is told to log in; undefined without a user. Throws `CONFIG_INVALID`, which says nothing of the password. */
export async function readLogin({ user, passwordFile }: LoginFiles): Promise<{ name: string; password: string } | undefined> {
  if ((user === undefined) !== (passwordFile === undefined))
    throw wrong('of user and passwordFile, only one is there', 'name both, or neither');
  if (user === undefined || passwordFile === undefined) return undefined;
  let password: string;
  try {
    const file = await open(passwordFile);
    try {
      const { mode } = await file.stat();
      if ((mode & 0o077) !== 0) throw wrong(`passwordFile: others may read ${passwordFile}`, `chmod 600 ${passwordFile}`);
      password = (await file.readFile('utf8')).replace(/\r?\n$/, '');
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (KvError.is(cause)) throw cause;
    throw wrong(
      `passwordFile: cannot read ${passwordFile} (${(cause as NodeJS.ErrnoException).code})`,
      'a file with the password on one line',
    );
  }
  if (password === '' || /[\r\n]/.test(password))
    throw wrong(`passwordFile: ${passwordFile} is not one line`, 'a file with the password on one line');
  return { name: user, password };
}

const wrong = (what: string, hint: string): KvError => new KvError('CONFIG_INVALID', what, { hint });
