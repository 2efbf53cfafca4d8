import type { Hasher } from '../../ports/hasher.js';
import { utf8 } from '../git/bytes.js';
import { fromUrlsafe, toUrlsafe } from './value/key.js';

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
  const digest = digestOf(key, hasher);
  return { urlsafe: toUrlsafe(key), shards: [digest.slice(0, 2), digest.slice(2, 4)] };
}

/** The SHA-256 of a key's bytes, hex: its first two pairs are its directories. */
export function digestOf(key: string, hasher: Hasher): string {
  return hasher.hex('sha256', utf8(key));
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

/** What a path of a ledger tree spells, before anything is said of the key. */
export interface LedgerPath {
  readonly file: LedgerFile;
  readonly urlsafe: string;
  /** The two directories below `data` and `meta`, with a slash between. */
  readonly shards: string;
}

/** A directory of a ledger that has files of keys. */
export interface LedgerDir {
  readonly side: 'data' | 'meta';
  /** Its last two names, with a slash between. */
  readonly shards: string;
}

/** Takes the path of such a directory apart; undefined when no key of this namespace can lie in it. */
export function splitLedgerDir(path: string, ns: string): LedgerDir | undefined {
  const [, of, side, shards] = /^kv\/([^/]+)\/(data|meta)\/([^/]+\/[^/]+)$/.exec(path) ?? [];
  if (of !== ns || (side !== 'data' && side !== 'meta') || shards === undefined) return undefined;
  return { side, shards };
}

/** What a file's name says in a directory of a ledger; undefined when no key has such a file there. */
export function ledgerFileIn({ side, shards }: LedgerDir, name: string): LedgerPath | undefined {
  if (name === '') return undefined;
  if (side === 'data') {
    const chunked = name.endsWith(MANIFEST_SUFFIX);
    return { file: chunked ? 'manifest' : 'data', urlsafe: chunked ? name.slice(0, -MANIFEST_SUFFIX.length) : name, shards };
  }
  return name.endsWith(META_SUFFIX) ? { file: 'meta', urlsafe: name.slice(0, -META_SUFFIX.length), shards } : undefined;
}

/** The key that lies at such a path, and its digest; undefined when none does. */
export function keyAt({ urlsafe, shards }: LedgerPath, hasher: Hasher): { key: string; digest: string } | undefined {
  const key = fromUrlsafe(urlsafe);
  if (key === undefined || shards.length !== 5) return undefined;
  const digest = digestOf(key, hasher);
  return shards.startsWith(digest.slice(0, 2)) && shards.endsWith(digest.slice(2, 4)) && shards[2] === '/'
    ? { key, digest }
    : undefined;
}

/** What a path of a ledger tree stands for; undefined when no key of this namespace can lie there. */
export function parseLedgerPath(path: string, ns: string, hasher: Hasher): { key: string; file: LedgerFile } | undefined {
  const slash = path.lastIndexOf('/');
  const dir = splitLedgerDir(path.slice(0, Math.max(slash, 0)), ns);
  const file = dir && ledgerFileIn(dir, path.slice(slash + 1));
  const found = file && keyAt(file, hasher);
  return file === undefined || found === undefined ? undefined : { key: found.key, file: file.file };
}
