import { KvError } from '../../ports/error.js';
import type { Oid } from '../../ports/vocabulary.js';
import { keyBytes, quoteKey } from '../key.js';
import { pathsOf, placeOf } from '../ledger.js';
import { decodeMetadata, type Metadata } from '../metadata.js';
import type { Clone } from './clone.js';
import { knownPolicy } from './known-policy.js';
import { type Freshness, noNamespace, tipForReading } from './tips.js';

export interface ReadRequest extends Freshness {
  readonly ns: string;
  readonly key: string;
  readonly allowExpired: boolean;
}

export interface Reading {
  readonly key: string;
  readonly value: Uint8Array;
  readonly meta: Metadata;
  /** The value's blob. */
  readonly oid: Oid;
  /** The ledger commit that was read, and its tree (what `--expect-tree` takes). */
  readonly commit: Oid;
  readonly tree: Oid;
  readonly expired: boolean;
}

/** Reads one key. Throws `KEY_INVALID`, `NOT_FOUND`, `EXPIRED`. */
export async function readKey(clone: Clone, request: ReadRequest): Promise<Reading> {
  keyBytes(request.key);
  const { ns, key } = request;
  const tip = await tipForReading(clone, ns, request);
  if (tip === null) throw noNamespace(ns);
  const paths = pathsOf(ns, placeOf(key, clone.hasher));
  const [metaBlob, data, manifest] = await clone.store.readPaths(tip.commit.tree, [paths.meta, paths.data, paths.manifest]);
  if (!metaBlob || (!data && !manifest)) {
    throw new KvError('NOT_FOUND', `no key ${quoteKey(key)} in namespace ${ns}`, {
      hint: `see what there is: git kv --ns ${ns} list`,
    });
  }
  const meta = decodeMetadata(metaBlob.body, quoteKey(key));
  const expired = await isExpired(clone, ns, meta);
  if (expired && !request.allowExpired) {
    throw new KvError('EXPIRED', `key ${quoteKey(key)} expired at ${meta.ttl}`, {
      hint: 'read it all the same with --allow-expired',
    });
  }
  if (!data) {
    throw new KvError('NOT_SUPPORTED', `value of ${quoteKey(key)} is chunked, and this git-kv reads inline values only`, {
      hint: 'update git-kv',
    });
  }
  return { key, value: data.body, meta, oid: data.oid, commit: tip.ledger, tree: tip.commit.tree, expired };
}

/** Past its TTL, unless the policy says that readers don't enforce it. */
export async function isExpired(clone: Clone, ns: string, meta: { readonly ttl: string | null }): Promise<boolean> {
  if (meta.ttl === null || Date.parse(meta.ttl) > clone.clock.now()) return false;
  const policy = await knownPolicy(clone);
  return policy?.namespaces.get(ns)?.retention.enforceReadside ?? true;
}
