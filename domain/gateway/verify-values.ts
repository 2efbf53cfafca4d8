import { KvError } from '../../ports/error.js';
import type { GitStore } from '../../ports/git-store.js';
import type { Hasher } from '../../ports/hasher.js';
import type { NamespacePolicy } from '../../ports/policy-reader.js';
import type { GitObject, Oid } from '../../ports/vocabulary.js';
import { quoteKey } from '../key.js';
import { decodeMetadata, type Metadata } from '../metadata.js';
import type { Pointer } from '../pointer.js';
import { tombstone } from '../pointer.js';
import { checkInlineSize, checkLfs, checkPrefix, LFS_POINTER_MAX } from '../policy.js';
import { inlinePointer } from '../transaction.js';
import type { KeyChange } from './ledger-changes.js';

/** How much of the values to hold in memory at a time, bytes. */
const BATCH_BYTES = 16 * 1024 * 1024;

export interface ValueRules {
  /** Null when a namespace is adopted: its history was written under policies that are not known any more. */
  readonly policy: NamespacePolicy | null;
  readonly ns: string;
  /** Also read every value and compare its digest with the metadata's ETag. */
  readonly digests: boolean;
}

/**
 * Checks the changed keys against the policy and their own metadata, and gives the pointer that the index must have for each.
 * Throws `POLICY_VIOLATION`, or `ATTESTATION_MISMATCH` when metadata and value disagree.
 */
export async function verifyValues(
  store: GitStore,
  hasher: Hasher,
  rules: ValueRules,
  changes: readonly KeyChange[],
): Promise<Pointer[]> {
  const { policy } = rules;
  if (policy !== null) for (const { key } of changes) checkPrefix(policy, rules.ns, key);
  const sets = changes.filter((change) => change.op === 'set');
  const metas = await readAll(
    store,
    sets.map((change) => change.meta),
  );
  const sizes = await store.headers(sets.map((change) => valueOf(change)));
  const pointers = new Map<string, Pointer>();
  const toRead: { key: string; oid: Oid; size: number; meta: Metadata }[] = [];
  sets.forEach((change, i) => {
    const { key } = change;
    const meta = decodeMetadata((metas[i] as GitObject).body, quoteKey(key));
    const size = sizes[i]?.type === 'blob' ? sizes[i]?.size : undefined;
    if (size === undefined) throw mismatch(key, 'its value is missing or is no blob');
    if (policy !== null) checkInlineSize(policy, key, size);
    if (policy !== null) checkTtl(policy, key, meta);
    const oid = valueOf(change);
    pointers.set(key, inlinePointer(key, oid, size, meta));
    if (rules.digests || size < LFS_POINTER_MAX) toRead.push({ key, oid, size, meta });
  });
  for (const batch of batches(toRead)) {
    const values = await readAll(
      store,
      batch.map(({ oid }) => oid),
    );
    batch.forEach(({ key, meta }, i) => {
      const { body } = values[i] as GitObject;
      if (policy !== null) checkLfs(policy, key, body);
      if (rules.digests && meta.etag !== `blake3:${hasher.hex('blake3', body)}`)
        throw mismatch(key, 'its ETag is not the digest of its value');
    });
  }
  return changes.map(({ key, op }) => (op === 'del' ? tombstone(key) : (pointers.get(key) as Pointer)));
}

function valueOf(change: Extract<KeyChange, { op: 'set' }>): Oid {
  if (change.data !== null) return change.data;
  throw new KvError('NOT_SUPPORTED', `key ${quoteKey(change.key)} has a chunk manifest`, {
    hint: 'this Stargate takes inline values only',
  });
}

/** A default TTL is a rule, not a suggestion: every value must expire, and none later than a default made at its writing. */
function checkTtl(policy: NamespacePolicy, key: string, meta: Metadata): void {
  const limit = policy.retention.ttlDefault;
  if (limit === null || meta.ttl !== null) return;
  throw new KvError('POLICY_VIOLATION', `value of ${quoteKey(key)} has no TTL, and the policy's ttl_default wants one`, {
    hint: 'fetch the policy (git kv remote setup) and set the key again: git kv then adds the default TTL',
    details: { key },
  });
}

async function readAll(store: GitStore, oids: readonly Oid[]): Promise<GitObject[]> {
  const objects = await store.read(oids);
  objects.forEach((object, i) => {
    if (object === null || object.type !== 'blob') throw new KvError('ATTESTATION_MISMATCH', `blob ${oids[i]} is missing`);
  });
  return objects as GitObject[];
}

function* batches<T extends { readonly size: number }>(items: readonly T[]): Generator<T[]> {
  let batch: T[] = [];
  let bytes = 0;
  for (const item of items) {
    if (batch.length > 0 && bytes + item.size > BATCH_BYTES) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(item);
    bytes += item.size;
  }
  if (batch.length > 0) yield batch;
}

function mismatch(key: string, why: string): KvError {
  return new KvError('ATTESTATION_MISMATCH', `key ${quoteKey(key)}: ${why}`, { details: { key } });
}
