import type { Randomness } from '../../ports/clock.js';
import { decodeLoose, toHex, utf8 } from '../git/bytes.js';

/**
 * A repository's id: 128 random bits in lower-case hex, made once. Each transaction names the repository that it is for, so that one
 * Stargate's can't be carried to another. It is public, and says nothing.
 */

/** Where the published commit names the repository, beside the policy. */
export const REPOSITORY_ID_PATH = '.kv/repository';

const BYTES = 16;
const ID = /^[0-9a-f]{32}$/;

/** Makes the id of a new repository. */
export function newRepositoryId(randomness: Randomness): string {
  return toHex(randomness.bytes(BYTES));
}

/** Whether a text is an id as it is written here. */
export function isRepositoryId(text: string): boolean {
  return ID.test(text);
}

/** The file's bytes: the id and a newline. */
export function encodeRepositoryId(id: string): Uint8Array {
  return utf8(`${id}\n`);
}

/** Reads the file; null for one of another form, which names no repository. */
export function decodeRepositoryId(bytes: Uint8Array): string | null {
  const [id = '', ...rest] = decodeLoose(bytes).split('\n');
  return isRepositoryId(id) && rest.length === 1 && rest[0] === '' ? id : null;
}
