import type { Hasher } from '../../ports/hasher.js';
import { utf8 } from '../git/bytes.js';
import { fromUrlsafe, toUrlsafe } from './key.js';

/**
 * Where things lie: `kv/<ns>/data/<hh>/<hh>/<key>`, `….manifest.json`, `kv/<ns>/meta/<hh>/<hh>/<key>.meta`,
 * `hh` being the first two pairs of hex digits of the SHA-256 of the key's bytes.
 */

/** How a manifest's file name ends, after the urlsafe key. */
export const MANIFEST_SUFFIX = '.manifest.json';
/** How a metadata file's name ends, after the urlsafe key. */
export const META_SUFFIX = '.meta';

/** A key's place in a ledger. */
interface KeyPlace {
  readonly urlsafe: string;
  /** The two directories below `data` and `meta`. */
  readonly shards: readonly [string, string];
}

/** Where a key lies in a ledger of any namespace. */
export function placeOf(key: string, hasher: Hasher): KeyPlace {
  const digest = hasher.hex('sha256', utf8(key));
  return { urlsafe: toUrlsafe(key), shards: [digest.slice(0, 2), digest.slice(2, 4)] };
}

/** Full paths from the ledger's root tree. */
export function pathsOf(ns: string, place: KeyPlace): { data: string; manifest: string; meta: string } {
  const [a, b] = place.shards;
  return {
    data: `kv/${ns}/data/${a}/${b}/${place.urlsafe}`,
    manifest: `kv/${ns}/data/${a}/${b}/${place.urlsafe}${MANIFEST_SUFFIX}`,
    meta: `kv/${ns}/meta/${a}/${b}/${place.urlsafe}${META_SUFFIX}`,
  };
}

/** The kinds of files in a ledger: a value, a large value's manifest, a key's metadata. */
export type LedgerFile = 'data' | 'manifest' | 'meta';

/** What a path of a ledger tree stands for; undefined when no key of this namespace can lie there. */
export function parseLedgerPath(path: string, ns: string, hasher: Hasher): { key: string; file: LedgerFile } | undefined {
  const parts = path.split('/');
  if (parts.length !== 6 || parts[0] !== 'kv' || parts[1] !== ns) return undefined;
  const name = parts[5] as string;
  let file: LedgerFile;
  let urlsafe = name;
  if (parts[2] === 'meta' && name.endsWith(META_SUFFIX)) {
    file = 'meta';
    urlsafe = name.slice(0, -META_SUFFIX.length);
  } else if (parts[2] === 'data') {
    file = name.endsWith(MANIFEST_SUFFIX) ? 'manifest' : 'data';
    if (file === 'manifest') urlsafe = name.slice(0, -MANIFEST_SUFFIX.length);
  } else return undefined;
  const key = fromUrlsafe(urlsafe);
  if (key === undefined) return undefined;
  const { shards } = placeOf(key, hasher);
  return shards[0] === parts[3] && shards[1] === parts[4] ? { key, file } : undefined;
}
