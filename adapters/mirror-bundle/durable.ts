import { randomBytes } from 'node:crypto';
import { link, lstat, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { diskErrorCode, KvError } from '../../ports/index.js';

/** A name beside a file under which it is written first. */
export const draftOf = (path: string): string => join(dirname(path), `.draft-${randomBytes(6).toString('hex')}`);

/** Makes a file, or the names in a folder, survive a power failure. */
export async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Writes a whole file in the place of what is there, durably. */
export async function replace(path: string, text: string): Promise<void> {
  const draft = await drafted(path, text);
  try {
    await rename(draft, path);
    await sync(dirname(path));
  } finally {
    await rm(draft, { force: true });
  }
}

/** Writes a whole file durably where there is none; false where there is one. */
export async function create(path: string, text: string): Promise<boolean> {
  const draft = await drafted(path, text);
  try {
    await link(draft, path);
    await sync(dirname(path));
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    // Sticks are formatted so that a file has one name.
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK', 'ENOSYS'].includes(code ?? '')) throw error;
    if (await isThere(path)) return false;
    await rename(draft, path);
    await sync(dirname(path));
    return true;
  } finally {
    await rm(draft, { force: true });
  }
}

async function drafted(path: string, text: string): Promise<string> {
  const draft = draftOf(path);
  const handle = await open(draft, 'wx', 0o644);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
  return draft;
}

async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );
}

/** `IO_ERROR`, or `STORAGE_FULL`, for what a file system says; a `KvError` stays what it is. */
export function diskError(where: string, cause: unknown): KvError {
  if (KvError.is(cause)) return cause;
  return new KvError(diskErrorCode(cause), `${where}: ${(cause as Error).message}`, {
    cause,
    hint: 'check that the disk is there, mounted, writable, and has room',
  });
}
