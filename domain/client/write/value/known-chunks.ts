import { KvError } from '../../../../ports/error.js';
import type { Oid } from '../../../../ports/vocabulary.js';
import { utf8 } from '../../../git/bytes.js';
import { decodeManifest, type Manifest } from '../../../ledger/value/manifest.js';
import { pathsOf, placeOf } from '../../../ledger/paths.js';
import { chunksTip } from '../../clone/chunks-tip.js';
import type { Clone } from '../../clone/clone.js';
import { newestTip } from '../../clone/tips.js';
import type { SignedIntent } from '../../sequence/signed-intent.js';
import { type FindChunks, lookUpChunks } from './chunk-value.js';

/** So many of the manifests that this clone has written are remembered. */
const MOST_MANIFESTS = 64;

interface Written {
  readonly epoch: string;
  readonly manifests: readonly Oid[];
}

/**
 * Finds chunks that an epoch has, by what this clone knows of it without fetching anything: its chunks tree, what the keys' values are in
 * the newest state, and what this clone has written. Those alone are told whose bytes are here, too: should the epoch not have one after
 * all, it can still be sent.
 */
export function chunksKnown(clone: Clone, ns: string, epoch: string | null, keys: readonly string[]): FindChunks {
  let named: Promise<ReadonlyMap<string, Oid>> | undefined;
  let tree: Promise<Oid | null> | undefined;
  return async (digests) => {
    if (epoch === null || digests.length === 0) return new Map();
    tree ??= chunksTip(clone, ns, epoch).then((tip) => tip?.tree ?? null);
    named ??= namedBy(clone, ns, epoch, keys);
    const known = new Map([...(await named), ...(await lookUpChunks(clone, ns, await tree, digests))]);
    const wanted = digests.flatMap((digest) => {
      const blob = known.get(digest);
      return blob === undefined ? [] : [{ digest, blob }];
    });
    const headers = await clone.store.headers(wanted.map(({ blob }) => blob));
    return new Map(wanted.filter((_, i) => headers[i]).map(({ digest, blob }) => [digest, blob]));
  };
}

/** The chunks that values of this epoch name: those that the keys have, and those that this clone has written. */
async function namedBy(clone: Clone, ns: string, epoch: string, keys: readonly string[]): Promise<ReadonlyMap<string, Oid>> {
  const tip = await newestTip(clone, ns);
  const paths = keys.map((key) => pathsOf(ns, placeOf(key, clone.hasher)).manifest);
  const there = tip?.trailers.epoch === epoch ? await clone.store.readPaths(tip.commit.tree, paths) : [];
  const written = await writtenManifests(clone, ns);
  const own = written?.epoch === epoch ? await clone.store.read(written.manifests) : [];
  const manifests = [...there, ...own].flatMap((blob): Manifest[] => (blob ? [decodeManifest(blob.body, blob.oid)] : []));
  return new Map(manifests.flatMap(({ chunks }) => chunks.map(({ digest, blob }) => [digest, blob] as const)));
}

/** Remembers manifests whose values the Stargate has taken into an epoch. */
export async function rememberManifests(
  clone: Clone,
  ns: string,
  epoch: string,
  { manifests, objects }: Pick<SignedIntent, 'manifests' | 'objects'>,
): Promise<void> {
  if (manifests.length === 0 || clone.cache === undefined) return;
  try {
    await clone.store.write(objects.filter(({ oid }) => manifests.includes(oid)));
  } catch (error) {
    if (KvError.is(error)) return; // the write has landed: that the next one sends more is all that comes of it
    throw error;
  }
  const before = await writtenManifests(clone, ns);
  const all = [...(before?.epoch === epoch ? before.manifests : []), ...manifests];
  const written: Written = { epoch, manifests: [...new Set(all)].slice(-MOST_MANIFESTS) };
  await clone.cache.put(nameOf(clone, ns), JSON.stringify(written));
}

async function writtenManifests(clone: Clone, ns: string): Promise<Written | null> {
  const text = await clone.cache?.get(nameOf(clone, ns));
  if (text === undefined || text === null) return null;
  try {
    const { epoch, manifests } = JSON.parse(text) as Partial<Written>; // written above; a damaged text counts as nothing
    return typeof epoch === 'string' && Array.isArray(manifests) ? { epoch, manifests } : null;
  } catch {
    return null;
  }
}

function nameOf({ hasher }: Clone, ns: string): string {
  return `manifests-${hasher.hex('sha256', utf8(ns)).slice(0, 32)}`;
}
