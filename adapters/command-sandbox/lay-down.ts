import { chmod, lchown, mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type CommandFile, diskErrorCode, KvError } from '../../ports/index.js';

/** What one command may be given. */
const FILES = 100_000;
const BYTES = 1024 * 1024 * 1024;

/** Writes files into a folder, which then belongs to a user; null is this process's own. Throws `INPUT_INVALID`, `IO_ERROR`, `STORAGE_FULL`. */
export async function layDown(
  folder: string,
  files: AsyncIterable<CommandFile> | Iterable<CommandFile>,
  user: number | null,
): Promise<void> {
  const own = async (path: string): Promise<void> => {
    if (user !== null) await lchown(path, user, user);
  };
  const folders = new Set(['.']);
  let count = 0;
  let bytes = 0;
  try {
    for await (const { path, mode, content } of files) {
      if (!isInside(path)) throw new KvError('INPUT_INVALID', `'${path.slice(0, 200)}' can't be laid down`);
      count += 1;
      bytes += content.length;
      if (count > FILES || bytes > BYTES)
        throw new KvError('INPUT_INVALID', `a command takes ${FILES} files and ${BYTES} bytes at most`);
      for (const parent of parentsOf(path)) {
        if (folders.has(parent)) continue;
        await mkdir(join(folder, parent));
        await own(join(folder, parent));
        folders.add(parent);
      }
      const target = join(folder, path);
      // Never over anything, nor through a link: a tree has each path once.
      if (mode === '120000') await symlink(Buffer.from(content).toString(), target);
      else await writeFile(target, content, { flag: 'wx', mode: mode === '100755' ? 0o755 : 0o644 });
      await own(target);
    }
    await own(folder);
  } catch (cause) {
    if (KvError.is(cause)) throw cause;
    throw new KvError(diskErrorCode(cause), `the files of a command can't be laid down: ${(cause as Error).message}`, { cause });
  }
}

function isInside(path: string): boolean {
  return path !== '' && !path.includes('\0') && path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}

function parentsOf(path: string): string[] {
  const parents: string[] = [];
  for (let at = dirname(path); at !== '.'; at = dirname(at)) parents.unshift(at);
  return parents;
}

/** Removes a folder whatever a command has made of it: a folder that may not be read is ours all the same. */
export async function clearAway(folder: string): Promise<void> {
  const gone = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    await gone();
  } catch {
    await openUp(folder); // of another user's nothing is there: only root runs commands as others, and root may anything
    await gone();
  }
}

async function openUp(folder: string): Promise<void> {
  await chmod(folder, 0o700);
  for (const entry of await readdir(folder, { withFileTypes: true }))
    if (entry.isDirectory()) await openUp(join(folder, entry.name));
}
