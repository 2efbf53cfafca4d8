import { KvError } from '../../ports/error.js';
import { decodeUtf8, equalBytes, utf8 } from '../git/bytes.js';

/**
 * The index tree's shape, all that a reader needs to know of it, as it stands in `kv/<ns>/index/layout.json`.
 *
 * A pointer lies below directories named by successive pairs of characters of the urlsafe key. The first two levels
 * are always there, padded with `_`. A directory below them that would hold more than `SPLIT_ABOVE` pointers hands
 * them to subdirectories by the next pair; a key too short for another pair stays. The shape is a pure function of the
 * set of pointers.
 */
export const PAIR = 2;
/** How many levels of directories there always are. */
export const FIXED_LEVELS = 2;
/** A deeper directory that would hold more pointers than this is split. */
export const SPLIT_ABOVE = 256;
/** The name of the file that tells the layout, beside the directories of the first level. */
export const LAYOUT_FILE = 'layout.json';
/** How a pointer's file name ends, after the urlsafe key. */
export const REF_SUFFIX = '.ref';

const LAYOUT = utf8(JSON.stringify({ v: 1, pair: PAIR, levels: FIXED_LEVELS, split_above: SPLIT_ABOVE }));

/** The bytes of `layout.json`. */
export function encodeLayout(): Uint8Array {
  return LAYOUT;
}

/** Throws `FORMAT_UNSUPPORTED` unless the bytes are the layout that this program knows: a guess would lose keys. */
export function checkLayout(bytes: Uint8Array, ns: string): void {
  if (equalBytes(bytes, LAYOUT)) return;
  const shown = (decodeUtf8(bytes) ?? '?').slice(0, 80);
  throw new KvError('FORMAT_UNSUPPORTED', `index of namespace ${ns} has an unknown layout: ${shown}`, {
    hint: 'update git-kv: this version reads index layout 1',
  });
}

/** The directory that a key's pointer passes through at a depth; undefined when the key is too short and stays. */
export function pairAt(urlsafe: string, depth: number): string | undefined {
  const pair = urlsafe.slice(depth * PAIR, depth * PAIR + PAIR);
  if (depth < FIXED_LEVELS) return pair.padEnd(PAIR, '_');
  return pair.length === PAIR ? pair : undefined;
}
