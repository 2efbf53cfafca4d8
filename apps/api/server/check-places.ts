import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { KvError } from '../../../ports/error.js';
import type { ApiSettings } from '../settings.js';

/**
 * Whether the places that settings name can be used, as a start would find out; nothing is made. Throws `CONFIG_INVALID` for the first that
 * can't.
 */
export async function checkPlaces({ data, adminPasswordFile, ledgerClone, transferFolders }: ApiSettings): Promise<void> {
  if (data !== '') await checkWritable('server.data', data);
  if (adminPasswordFile !== '' && !(await isThere(adminPasswordFile)))
    await checkWritable('auth.admin_password_file', dirname(resolve(adminPasswordFile)));
  if (ledgerClone !== '') await checkFolder('ledger.clone', ledgerClone);
  for (const folder of transferFolders) await checkFolder('transfer.folders', folder);
}

/** That a folder can be written in, or made where it is not there yet. */
async function checkWritable(key: string, folder: string): Promise<void> {
  let place = resolve(folder);
  while (!(await isThere(place)) && dirname(place) !== place) place = dirname(place);
  await checkFolder(key, place);
  try {
    await access(place, constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw new KvError('CONFIG_INVALID', `${key}: '${place}' cannot be written in`, { cause });
  }
}

async function checkFolder(key: string, folder: string): Promise<void> {
  const found = await stat(folder).catch(() => null); // whatever it is: no folder that can be used
  if (found?.isDirectory() !== true) throw new KvError('CONFIG_INVALID', `${key}: '${folder}' is no folder`);
}

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null)) !== null; // not there, or not to be seen
}
