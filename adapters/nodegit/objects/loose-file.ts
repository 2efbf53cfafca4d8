import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { NewObject } from '../../../ports/git/git-store.js';
import { zlibStream } from './deflate.js';
import { syncDirectory, writeDurably } from './durable-file.js';

/** Writes objects as files of their own, durable when it resolves. One that exists keeps its file, with a fresh time. */
export async function writeLoose(folder: string, objects: readonly NewObject[]): Promise<void> {
  const folders = new Set<string>();
  await Promise.all(objects.map((object) => writeOne(folder, object, folders)));
  await Promise.all([...folders].map(syncDirectory));
}

const NOTHING = new Uint8Array(0);

// Whoever clears up beside us (`git gc`) removes a folder in the moment in which it is empty.
const ATTEMPTS = 8;

async function writeOne(objectsFolder: string, object: NewObject, folders: Set<string>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await tryToWrite(objectsFolder, object, folders);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || attempt === ATTEMPTS) throw error;
    }
  }
}

async function tryToWrite(objectsFolder: string, { oid, type, body }: NewObject, folders: Set<string>): Promise<void> {
  const folder = join(objectsFolder, oid.slice(0, 2));
  const path = join(folder, oid.slice(2));
  if (await freshen(path)) return;
  if ((await mkdir(folder, { recursive: true })) !== undefined) folders.add(objectsFolder);
  folders.add(folder);
  const temporary = join(folder, `tmp_obj_${randomUUID()}`);
  try {
    const content = Buffer.concat([Buffer.from(`${type} ${body.length}\0`, 'latin1'), body]);
    await writeDurably(temporary, [zlibStream(content, NOTHING)]);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** A fresh time, so that `git gc` spares what is there already. */
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
