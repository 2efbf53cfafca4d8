import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { NewObject } from '../../../ports/git/git-store.js';
import { zlibStream } from '../pack/deflate.js';
import { syncDirectory, writeDurably } from '../process/durable-file.js';

/** Writes objects as files of their own. One that exists keeps its file, with a fresh time so that `git gc` spares it. */
export async function writeLoose(objectsFolder: string, objects: readonly NewObject[]): Promise<void> {
  const folders = new Set<string>();
  await Promise.all(objects.map((object) => writeOne(objectsFolder, object, folders)));
  await Promise.all([...folders].map(syncFolder));
}

// Whoever clears up beside us (`git gc`) removes a folder in the moment in which it is empty.
const ATTEMPTS = 8;

async function writeOne(objectsFolder: string, object: NewObject, folders: Set<string>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await tryToWrite(objectsFolder, object, folders);
    } catch (error) {
      if (!isMissing(error) || attempt === ATTEMPTS) throw error;
    }
  }
}

async function tryToWrite(objectsFolder: string, object: NewObject, folders: Set<string>): Promise<void> {
  const folder = join(objectsFolder, object.oid.slice(0, 2));
  const path = join(folder, object.oid.slice(2));
  if (await freshen(path)) return;
  if ((await mkdir(folder, { recursive: true })) !== undefined) folders.add(objectsFolder);
  folders.add(folder);
  const header = Buffer.from(`${object.type} ${object.body.length}\0`, 'latin1');
  const temporary = join(folder, `tmp_obj_${randomUUID()}`);
  try {
    await writeDurably(temporary, zlibStream(Buffer.concat([header, object.body])), 0o444);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function freshen(path: string): Promise<boolean> {
  const now = new Date();
  try {
    await utimes(path, now, now);
    return true;
  } catch (error) {
    // Absent, or another user's: writing it anew is right in both cases.
    if (['ENOENT', 'EPERM', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

/** A folder that has gone has nothing to sync: from git 2.41 on, gc moves objects that no ref reaches yet into a pack, synced. */
async function syncFolder(folder: string): Promise<void> {
  try {
    await syncDirectory(folder);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';
