import { KvError } from '../../../ports/error.js';
import type { Oid } from '../../../ports/vocabulary.js';
import { toUrlsafe } from '../../ledger/value/key.js';
import { type LedgerFile, MANIFEST_SUFFIX, META_SUFFIX, parseLedgerPath, placeOf } from '../../ledger/paths.js';
import { ledgerShape } from '../../ledger/tree-shapes.js';
import { decodeManifest } from '../../ledger/value/manifest.js';
import { findEntry } from '../../git/tree/tree.js';
import { diffTrees, type TreeChange } from '../../git/tree/tree-diff.js';
import { readersWalk } from '../../git/untrusted.js';
import { type Clone, oidBytesOf } from '../clone/clone.js';

/** What a ledger tree has for a key: the value's blob (its manifest's where it lies in chunks), and the metadata's. */
export interface KeyState {
  readonly value: Oid;
  readonly chunked: boolean;
  readonly meta: Oid;
}

/** A key that differs between two ledger trees. Null: it isn't there. */
export interface KeyDifference {
  readonly key: string;
  readonly before: KeyState | null;
  readonly after: KeyState | null;
}

const BATCH = 500;

/** What a ledger tree has for keys, without reading values. */
export async function statesOf(clone: Clone, ns: string, tree: Oid, keys: readonly string[]): Promise<(KeyState | null)[]> {
  const states: (KeyState | null)[] = [];
  for (let at = 0; at < keys.length; at += BATCH) {
    const batch = keys.slice(at, at + BATCH).map((key) => placeOf(key, clone.hasher));
    const dirs = batch.flatMap(({ shards: [a, b] }) => [`kv/${ns}/data/${a}/${b}`, `kv/${ns}/meta/${a}/${b}`]);
    const trees = await clone.store.readPaths(tree, dirs);
    batch.forEach(({ urlsafe }, i) => {
      const find = (side: 0 | 1, name: string): Oid | undefined => {
        const body = trees[2 * i + side]?.body;
        return body && findEntry(body, oidBytesOf(clone), name)?.oid;
      };
      const [inline, manifest, meta] = [find(0, urlsafe), find(0, urlsafe + MANIFEST_SUFFIX), find(1, urlsafe + META_SUFFIX)];
      const value = inline ?? manifest;
      states.push(value === undefined || meta === undefined ? null : { value, chunked: inline === undefined, meta });
    });
  }
  return states;
}

/** The keys under a prefix that differ between two ledger trees (null: no tree), in the order of their urlsafe forms. */
export async function differingKeys(
  clone: Clone,
  ns: string,
  before: Oid | null,
  after: Oid | null,
  prefix: string,
): Promise<KeyDifference[]> {
  const files = new Map<string, Partial<Record<LedgerFile, TreeChange>>>();
  for await (const change of diffTrees(clone.store, before, after, oidBytesOf(clone), readersWalk(ledgerShape(ns)))) {
    const place = parseLedgerPath(change.path, ns, clone.hasher);
    if (place === undefined || !place.key.startsWith(prefix)) continue;
    const known = files.get(place.key) ?? {};
    known[place.file] = change;
    files.set(place.key, known);
  }
  const keys = [...files.keys()]
    .map((key) => ({ key, urlsafe: toUrlsafe(key) }))
    .sort((a, b) => (a.urlsafe < b.urlsafe ? -1 : 1));
  // A value that was written again as it was has the same blob on both sides, so the difference does not name it.
  const rewritten = keys.filter(({ key }) => !files.get(key)?.data && !files.get(key)?.manifest).map(({ key }) => key);
  const values = after === null ? [] : await statesOf(clone, ns, after, rewritten);
  const same = new Map(rewritten.map((key, i) => [key, values[i] ?? null]));
  return keys.map(({ key }) => {
    const { data, manifest, meta } = files.get(key) ?? {};
    const side = (which: 'before' | 'after'): KeyState | null => {
      const unchanged = same.get(key);
      const value = data?.[which]?.oid ?? manifest?.[which]?.oid ?? unchanged?.value;
      const metaOid = meta?.[which]?.oid;
      if (value === undefined || metaOid === undefined) return null;
      return { value, chunked: unchanged?.chunked ?? !data?.[which], meta: metaOid };
    };
    return { key, before: side('before'), after: side('after') };
  });
}

/** Bytes of the values, by their blobs: a chunked value's as its manifest says. */
export async function sizesOf(clone: Clone, states: readonly KeyState[]): Promise<Map<Oid, number>> {
  const sizes = new Map<Oid, number>();
  const inline = [...new Set(states.filter(({ chunked }) => !chunked).map(({ value }) => value))];
  const manifests = [...new Set(states.filter(({ chunked }) => chunked).map(({ value }) => value))];
  for (let at = 0; at < inline.length; at += BATCH) {
    const batch = inline.slice(at, at + BATCH);
    await clone.store.prefetch?.(batch); // a size is only known of what is here
    const headers = await clone.store.headers(batch);
    for (const [i, oid] of batch.entries()) sizes.set(oid, (headers[i] ?? missing(oid)).size);
  }
  for (let at = 0; at < manifests.length; at += BATCH) {
    const batch = manifests.slice(at, at + BATCH);
    const objects = await clone.store.read(batch);
    for (const [i, oid] of batch.entries()) {
      const { body } = objects[i] ?? missing(oid);
      sizes.set(oid, decodeManifest(body, `manifest ${oid}`).totalSize);
    }
  }
  return sizes;
}

/** Throws `GIT_ERROR` for a blob that a tree names and the repository has not got. */
export function missing(oid: Oid): never {
  throw new KvError('GIT_ERROR', `blob ${oid} is missing`, { hint: 'run git fsck in this clone' });
}
