import { randomBytes } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import type { Accounts } from '../../../domain/access/accounts.js';
import { KvError } from '../../../ports/error.js';
import type { Passwords } from './passwords.js';

/**
 * Makes the admin where there is no user yet. The password is that of a file; where the file isn't there it is random and written to it for
 * its owner alone; without a file `told` gets it, once. Throws `IO_ERROR`, `CONFIG_INVALID` for a password of less than 12 characters.
 */
export async function firstStart(
  accounts: Accounts,
  passwords: Passwords,
  { file, now, told }: { readonly file: string; readonly now: number; readonly told: (password: string) => void },
): Promise<void> {
  if (accounts.users().length > 0) return;
  const fresh = randomBytes(18).toString('base64url');
  const password = file === '' ? fresh : await inFile(file, fresh);
  if (password.length < 12)
    throw new KvError('CONFIG_INVALID', `${file}: the admin's password has less than 12 characters`, {
      hint: 'write a longer one',
    });
  await accounts.addUser({
    ...{ id: `usr_${randomBytes(8).toString('hex')}`, username: 'admin', email: 'admin@localhost', roles: ['admin'] },
    ...{ passwordHash: await passwords.hash(password), active: true, createdAt: now, grants: {} },
  });
  if (file === '') told(password);
}

async function inFile(file: string, fresh: string): Promise<string> {
  try {
    const made = await open(file, 'wx', 0o600);
    try {
      await made.writeFile(`${fresh}\n`);
      await made.sync();
    } finally {
      await made.close();
    }
    return fresh;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return (await readFile(file, 'utf8')).trim();
    throw new KvError('IO_ERROR', `cannot write the admin's password to '${file}': ${(error as Error).message}`, {
      cause: error,
    });
  }
}
