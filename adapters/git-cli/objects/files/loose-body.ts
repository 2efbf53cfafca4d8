import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import type { ObjectType } from '../../../../ports/vocabulary.js';
import type { Body } from './body.js';

const HEADER = /^(blob|tree|commit|tag) (\d+)\0/;
/** The longest header that there is. Bytes. */
const LONGEST_HEADER = 32;

/** An object that has a file of its own; `elsewhere` where it has none, null where it is larger than `most` bytes. Throws for a damaged one. */
export function looseBody(objectsFolder: string, oid: string, most: number): Body | null | 'elsewhere' {
  let file: number;
  try {
    file = openSync(join(objectsFolder, oid.slice(0, 2), oid.slice(2)), 'r');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return 'elsewhere';
    throw error;
  }
  try {
    const { size } = fstatSync(file);
    if (size > most) return null;
    const stream = Buffer.allocUnsafe(size);
    if (readSync(file, stream, 0, size, 0) !== size) throw new RangeError('cut short');
    return bodyIn(stream, most);
  } finally {
    closeSync(file);
  }
}

function bodyIn(stream: Buffer, most: number): Body | null {
  // A small file can hold any number of bytes.
  const bytes = inflateSync(stream, { maxOutputLength: LONGEST_HEADER + most });
  const match = HEADER.exec(bytes.toString('latin1', 0, LONGEST_HEADER));
  if (match === null) throw new RangeError('no object');
  const body = bytes.subarray(match[0].length);
  if (body.length !== Number(match[2])) throw new RangeError('an object of another size');
  return { type: match[1] as ObjectType, bytes: body }; // the pattern has the four types
}
