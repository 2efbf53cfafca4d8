import { KvError } from '../../../ports/error.js';
import type { Oid } from '../../../ports/vocabulary.js';
import { allocate, toHex } from '../bytes.js';
import { entrySize, writeEntry } from './tree.js';

/** Where an entry is in a tree's bytes, or where it would be. */
export interface EntryPlace {
  readonly start: number;
  /** Where the next one begins; the start where there is none of that name. */
  readonly end: number;
}

const SPACE = 0x20;
const SLASH = 0x2f;
/** What no name has: it comes before all that one may have. */
const OVER = -1;

/**
 * Finds an entry by its name as git sorts it, a directory's ending in a slash; no entry is decoded, and each is looked at once. Throws
 * `GIT_ERROR` on a malformed tree.
 */
export function placeOf(body: Uint8Array, oidBytes: number, key: string): EntryPlace {
  let start = 0;
  while (start < body.length) {
    // Modes have five or six digits, a directory's five, unless somebody else has written them.
    const isDir = body[start + 5] === SPACE && body[start] === 0x34;
    const nameAt = body[start + 5] === SPACE ? start + 6 : body[start + 6] === SPACE ? start + 7 : body.indexOf(SPACE, start) + 1;
    let at = nameAt;
    let byte = OVER;
    let wanted = OVER;
    for (let i = 0; ; i++, at++) {
      byte = body[at] || (isDir ? SLASH : OVER);
      wanted = i < key.length ? key.charCodeAt(i) : OVER;
      if (byte !== wanted || body[at] === 0) break;
    }
    if (byte > wanted) return { start, end: start };
    while (at < body.length && body[at] !== 0) at++;
    const end = at + 1 + oidBytes;
    if (nameAt <= start || at === nameAt || end > body.length) throw new KvError('GIT_ERROR', 'malformed tree object');
    if (byte === wanted) return { start, end };
    start = end;
  }
  return { start, end: start };
}

/** The id of the entry at a place. */
export function oidAt(body: Uint8Array, { end }: EntryPlace, oidBytes: number): Oid {
  return toHex(body, end - oidBytes, end);
}

/** A tree's bytes with another entry at a place, or none. */
export function spliced(
  body: Uint8Array,
  { start, end }: EntryPlace,
  entry: { readonly mode: string; readonly name: string; readonly oid: Oid } | null,
): Uint8Array {
  const size = entry === null ? 0 : entrySize(entry.mode, entry.name, entry.oid);
  const out = allocate(body.length - (end - start) + size);
  if (start > 0) out.set(start === body.length ? body : body.subarray(0, start));
  if (entry !== null) writeEntry(entry.mode, entry.name, entry.oid, out, start);
  if (end < body.length) out.set(body.subarray(end), start + size);
  return out;
}
