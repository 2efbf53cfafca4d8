import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { KvError } from '../../../../ports/error.js';
import type { ObjectType, Oid } from '../../../../ports/vocabulary.js';
import { inflateStart, type ObjectHead } from './object-head.js';

/** Compressed, `commit 12345678901234567890` and what zlib puts before it take less. Bytes. */
const ENOUGH = 128;

/** What an object's own file says of it; null when there is no such file. Throws `GIT_ERROR` for one that is damaged. */
export async function looseHead(objectsFolder: string, oid: Oid): Promise<ObjectHead | null> {
  const file = await open(join(objectsFolder, oid.slice(0, 2), oid.slice(2)), 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
    throw error;
  });
  if (file === null) return null;
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(ENOUGH), 0, ENOUGH, 0);
    return parse(buffer.subarray(0, bytesRead), oid);
  } finally {
    await file.close();
  }
}

function parse(start: Uint8Array, oid: Oid): ObjectHead {
  let cause: unknown;
  try {
    const match = /^(blob|tree|commit|tag) (\d+)\0/.exec(inflateStart(start).toString('latin1'));
    if (match !== null) return { type: match[1] as ObjectType, size: Number(match[2]) }; // the pattern has the four types
  } catch (error) {
    cause = error;
  }
  throw new KvError('GIT_ERROR', `the file of object ${oid} is damaged`, { cause, hint: 'check the repository with `git fsck`' });
}
