import { randomUUID } from 'node:crypto';
import { closeSync, fsync, openSync, writeFile as writeTo, writeSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';

/**
 * What the system answers from its memory is done at once: handed to another thread, each such call takes several times as long. Only
 * waiting for the disk goes to the background, and what is as large as this. Bytes.
 */
const LARGE = 256 * 1024;
const sync = promisify(fsync);
const writeLarge = promisify(writeTo);

/** Creates a file that must not exist yet, `mode` less the umask; its content is on the disk when this resolves. */
export async function writeDurably(path: string, content: Uint8Array, mode: number): Promise<void> {
  const file = openSync(path, 'wx', mode);
  try {
    await writeWhole(file, content);
    await sync(file);
  } finally {
    closeSync(file);
  }
}

/** Writes all of it where the open file stands. */
async function writeWhole(file: number, content: Uint8Array): Promise<void> {
  if (content.length > LARGE) return writeLarge(file, content);
  for (let at = 0; at < content.length; ) at += writeSync(file, content, at);
}

/** Makes the names in a directory durable. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = openSync(path, 'r');
  try {
    await sync(directory);
  } finally {
    closeSync(directory);
  }
}

/** Puts a text in the place of a file, whole or not at all, and makes its folder; not durable, for what can be done without. */
export async function replaceFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomUUID()}`;
  await mkdir(dirname(path), { recursive: true });
  try {
    await writeFile(temporary, text);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
