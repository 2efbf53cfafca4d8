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

/** What a path of a ledger tree spells, before anything is said of the key. */
export interface LedgerPath {
  readonly file: LedgerFile;
  readonly urlsafe: string;
  /** The two directories below `data` and `meta`, with a slash between. */
  readonly shards: string;
}

/** Takes a path of a ledger tree apart; undefined when no key of this namespace can lie there. */
export function splitLedgerPath(path: string, ns: string): LedgerPath | undefined {
  const parts = /^kv\/([^/]+)\/(data|meta)\/([^/]+\/[^/]+)\/([^/]+)$/.exec(path);
  if (parts === null || parts[1] !== ns) return undefined;
  const [, , side, shards, name] = parts as unknown as [string, string, string, string, string];
  if (side === 'data') {
    const chunked = name.endsWith(MANIFEST_SUFFIX);
    return { file: chunked ? 'manifest' : 'data', urlsafe: chunked ? name.slice(0, -MANIFEST_SUFFIX.length) : name, shards };
  }
  return name.endsWith(META_SUFFIX) ? { file: 'meta', urlsafe: name.slice(0, -META_SUFFIX.length), shards } : undefined;
}

/** The key that lies at such a path; undefined when none does. */
export function keyAt({ urlsafe, shards }: LedgerPath, hasher: Hasher): string | undefined {
  const key = fromUrlsafe(urlsafe);
  return key !== undefined && placeOf(key, hasher).shards.join('/') === shards ? key : undefined;
}

/** What a path of a ledger tree stands for; undefined when no key of this namespace can lie there. */
export function parseLedgerPath(path: string, ns: string, hasher: Hasher): { key: string; file: LedgerFile } | undefined {
  const parts = splitLedgerPath(path, ns);
  const key = parts && keyAt(parts, hasher);
  return parts === undefined || key === undefined ? undefined : { key, file: parts.file };
}
