import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { KvError } from '../../../ports/error.js';

/**
 * Makes a folder whole or not at all: beside its place, and moved there when `build` has ended. False from `build`: it is dropped.
 * Throws `CONFIG_INVALID` when something is there already, and whatever `build` throws.
 */
export async function makeWhole(folder: string, build: (draft: string) => Promise<boolean>): Promise<void> {
  const path = resolve(folder);
  await requireFree(path);
  await mkdir(dirname(path), { recursive: true });
  const draft = join(dirname(path), `.${basename(path)}.draft-${randomBytes(6).toString('hex')}`);
  try {
    if (!(await build(draft))) return;
    await rmdir(path).catch(() => undefined); // an empty folder makes room; what else is there makes the rename fail
    await rename(draft, path);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

async function requireFree(path: string): Promise<void> {
  const there = await readdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw new KvError('CONFIG_INVALID', `cannot use ${path}: ${error.code}`, { cause: error });
  });
  if (there.length > 0) throw new KvError('CONFIG_INVALID', `${path} is there already`, { hint: 'name a folder of its own' });
}
