import { randomBytes } from 'node:crypto';
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { KvError } from '../../ports/error.js';

/** Replaces a file's content all at once. Throws `IO_ERROR`. */
export async function writeFileAtomically(path: string, content: Uint8Array): Promise<void> {
  const draft = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}`);
  try {
    await writeFile(draft, content, { flag: 'wx' });
    await rename(draft, path);
  } catch (cause) {
    await rm(draft, { force: true });
    throw fileFailed('write', path, cause);
  }
}

/** True for a regular file, or a link to one. */
export async function isRegularFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch {
    return false; // whatever the reason, it can't be read as a file
  }
}

/** Reads a regular file. Throws `IO_ERROR`. */
export async function readRegularFile(path: string): Promise<Buffer> {
  try {
    if (!(await stat(path)).isFile()) throw Object.assign(new Error('it is not a regular file'), { code: undefined });
    return await readFile(path);
  } catch (cause) {
    throw fileFailed('read', path, cause);
  }
}

export async function readStandardInput(): Promise<Buffer> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  } catch (cause) {
    throw fileFailed('read', 'standard input', cause);
  }
  return Buffer.concat(chunks);
}

/** Why a file could not be used, in words. */
export function reasonOf(cause: unknown): string {
  const { code, message } = cause as NodeJS.ErrnoException;
  const known: Record<string, string> = { ENOENT: 'there is no such file', EACCES: 'permission denied', EISDIR: 'it is a folder', ENOTDIR: 'there is no such folder' };
  return (code === undefined ? undefined : known[code]) ?? message;
}

function fileFailed(verb: 'read' | 'write', path: string, cause: unknown): KvError {
  return new KvError('IO_ERROR', `cannot ${verb} ${path}: ${reasonOf(cause)}`, { cause, hint: 'check the path and its permissions' });
}
