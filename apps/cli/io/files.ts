import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { typeOfBytes } from '../../../domain/client/write/value/content-type.js';
import { DEFAULT_CTYPE } from '../../../domain/ledger/value/metadata.js';
import { KvError } from '../../../ports/error.js';

/** What a path leads to, links followed: a regular file, something else (a folder, a device), or nothing that can be seen. */
export async function fileKind(path: string): Promise<'file' | 'other' | 'none'> {
  try {
    return (await stat(path)).isFile() ? 'file' : 'other';
  } catch {
    return 'none'; // whatever the reason, it can't be read as a file
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

/** Standard input, as it comes. Throws `IO_ERROR`. */
export async function* standardInput(): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of process.stdin) yield chunk as Buffer;
  } catch (cause) {
    throw fileFailed('read', 'standard input', cause);
  }
}

/** All of standard input. */
export async function readStandardInput(): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of standardInput()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** A regular file, piece by piece. Throws `IO_ERROR`. */
export async function* fileStream(path: string): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) yield chunk as Buffer;
  } catch (cause) {
    throw fileFailed('read', path, cause);
  }
}

/** The size of a regular file, bytes. Throws `IO_ERROR`. */
export async function fileSize(path: string): Promise<number> {
  try {
    const found = await stat(path);
    if (!found.isFile()) throw new Error('it is not a regular file');
    return found.size;
  } catch (cause) {
    throw fileFailed('read', path, cause);
  }
}

/** How much of a stream to look at for its type, bytes. */
const SNIFF_BYTES = 1 << 20;

/** Tells a stream's content type by its beginning, and gives the stream whole. */
export async function sniffType(
  input: AsyncGenerator<Uint8Array>,
): Promise<{ ctype: string; stream: AsyncIterable<Uint8Array> }> {
  const head: Uint8Array[] = [];
  let size = 0;
  let ended = false;
  while (size < SNIFF_BYTES && !ended) {
    const next = await input.next();
    if (next.done === true) ended = true;
    else {
      head.push(next.value);
      size += next.value.length;
    }
  }
  const bytes = Buffer.concat(head);
  // The beginning of a large text may end in the middle of a character, so that only a whole stream is told to be text.
  const ctype = ended ? typeOfBytes(bytes) : DEFAULT_CTYPE;
  const whole = async function* (): AsyncGenerator<Uint8Array> {
    yield bytes;
    if (!ended) yield* input;
  };
  return { ctype, stream: whole() };
}

/** Why a file could not be used, in words. */
export function reasonOf(cause: unknown): string {
  const { code, message } = cause as NodeJS.ErrnoException;
  const known: Record<string, string> = {
    ENOENT: 'there is no such file',
    EACCES: 'permission denied',
    EISDIR: 'it is a folder',
    ENOTDIR: 'there is no such folder',
    ENXIO: 'it is a socket, or a device that is not there',
  };
  return (code === undefined ? undefined : known[code]) ?? message;
}

/** What a failed write is reported as; an error that says what it is stays what it is. */
export function writeFailed(path: string, cause: unknown): KvError {
  return KvError.is(cause) ? cause : fileFailed('write', path, cause);
}

function fileFailed(verb: 'read' | 'write', path: string, cause: unknown): KvError {
  // A file that is to be written need not be there, but its folder must.
  const noFolder = verb === 'write' && (cause as NodeJS.ErrnoException).code === 'ENOENT';
  const reason = noFolder ? `there is no folder ${dirname(path)}` : reasonOf(cause);
  return new KvError('IO_ERROR', `cannot ${verb} ${path}: ${reason}`, {
    cause,
    hint: 'check the path and its permissions',
  });
}
