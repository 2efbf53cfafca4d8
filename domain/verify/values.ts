import { KvError } from '../../ports/error.js';
import type { GitStore } from '../../ports/git-store.js';
import type { Hasher } from '../../ports/hasher.js';
import type { NamespacePolicy } from '../../ports/policy-reader.js';
import type { GitObject, Oid } from '../../ports/vocabulary.js';
import { quoteKey } from '../ledger/key.js';
import { decodeMetadata, type Metadata } from '../ledger/metadata.js';
import { type Pointer, tombstone } from '../ledger/pointer.js';
import { checkInlineSize, checkLfs, checkPrefix, LFS_POINTER_MAX } from './policy-rules.js';
import { valuePointer } from '../ledger/transaction-plan.js';
import { inBatches, readBlobs } from './blobs.js';
import type { KeyChange } from './ledger-changes.js';
import { verifyManifests } from './chunks.js';

export interface ValueRules {
  /** Null when a namespace is adopted: its history was written under policies that are not known any more. */
  readonly policy: NamespacePolicy | null;
  readonly ns: string;
  /** The transaction that set the keys; null when they come from many, as in a snapshot. */
  readonly txn: string | null;
  /** The chunks that manifests may name. */
  readonly chunksTree: Oid | null;
  /** The keys whose inline values are read and held against their ETags. */
  readonly digests: 'all' | ReadonlySet<string>;
}

type SetChange = Extract<KeyChange, { op: 'set' }>;

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
  const sets = changes.filter((change) => change.op === 'set');
  // A key from before the policy named its prefixes may still be deleted.
  if (policy !== null) for (const { key } of sets) checkPrefix(policy, rules.ns, key);
  const metas = await readMetas(store, rules, sets);
  const sizes = new Map([
    ...(await verifyInline(
      store,
      hasher,
      rules,
      sets.filter(({ data }) => data !== null),
      metas,
    )),
    ...(await verifyManifests(
      store,
      rules,
      sets.filter(({ manifest }) => manifest !== null),
      metas,
    )),
  ]);
  return changes.map((change) => {
    if (change.op === 'del') return tombstone(change.key);
    const { key, data, manifest } = change;
    return valuePointer(key, data, manifest, sizes.get(key) as number, metas.get(key) as Metadata);
  });
}

/** Metadata is a few hundred bytes; a larger one is refused unread. */
const MAX_META = 4096;

async function readMetas(
  store: GitStore,
  { policy, txn }: ValueRules,
  sets: readonly SetChange[],
): Promise<Map<string, Metadata>> {
  const metas = new Map<string, Metadata>();
  const headers = await store.headers(sets.map(({ meta }) => meta));
  sets.forEach(({ key }, i) => {
    if ((headers[i]?.size ?? 0) > MAX_META) throw mismatch(key, `its metadata has more than ${MAX_META} bytes`);
  });
  const blobs = await readBlobs(
    store,
    sets.map(({ meta }) => meta),
  );
  sets.forEach(({ key }, i) => {
    const meta = decodeMetadata((blobs[i] as GitObject).body, quoteKey(key));
    if (txn !== null && meta.txn !== txn) throw mismatch(key, `its metadata names transaction ${meta.txn}`);
    if (policy !== null) checkTtl(policy, key, meta);
    metas.set(key, meta);
  });
  return metas;
}

/** The sizes of values that lie in the ledger itself. */
async function verifyInline(
  store: GitStore,
  hasher: Hasher,
  { policy, digests }: ValueRules,
  sets: readonly SetChange[],
  metas: ReadonlyMap<string, Metadata>,
): Promise<Map<string, number>> {
  const headers = await store.headers(sets.map(({ data }) => data as Oid));
  const sizes = new Map<string, number>();
  const toRead: { key: string; oid: Oid; size: number }[] = [];
  sets.forEach(({ key, data }, i) => {
    const header = headers[i];
    if (header?.type !== 'blob') throw mismatch(key, 'its value is missing or is no blob');
    if (policy !== null) checkInlineSize(policy, key, header.size);
    sizes.set(key, header.size);
    if (digests === 'all' || digests.has(key) || header.size < LFS_POINTER_MAX)
      toRead.push({ key, oid: data as Oid, size: header.size });
  });
  for (const batch of inBatches(toRead)) {
    const values = await readBlobs(
      store,
      batch.map(({ oid }) => oid),
    );
    batch.forEach(({ key }, i) => {
      const { body } = values[i] as GitObject;
      if (policy !== null) checkLfs(policy, key, body);
      if ((digests === 'all' || digests.has(key)) && metas.get(key)?.etag !== `blake3:${hasher.hex('blake3', body)}`) {
        throw mismatch(key, 'its ETag is not the digest of its value');
      }
    });
  }
  return sizes;
}

/** A default TTL is a rule, not a suggestion: every value must expire at some time. */
function checkTtl(policy: NamespacePolicy, key: string, meta: Metadata): void {
  if (policy.retention.ttlDefault === null || meta.ttl !== null) return;
  throw new KvError('POLICY_VIOLATION', `value of ${quoteKey(key)} has no TTL, and the policy's ttl_default wants one`, {
    hint: 'fetch the policy and set the key again: the client then adds the default TTL',
    advice: { id: 'fetch-policy' },
    details: { key },
  });
}

function mismatch(key: string, why: string): KvError {
  return new KvError('ATTESTATION_MISMATCH', `key ${quoteKey(key)}: ${why}`, { details: { key } });
}
