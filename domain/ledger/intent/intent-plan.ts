import { readStamp } from '../../git/commit.js';
import type { Intent } from './intent.js';
import type { IntentOperation } from './intent-operations.js';
import type { Manifest } from '../value/manifest.js';
import { formatTime, type Metadata } from '../value/metadata.js';
import type { Operation } from '../transaction/transaction-plan.js';

/** An operation of an intent that sets a key. */
export type IntentSet = Extract<IntentOperation, { op: 'set' }>;

/**
 * What an intent says of a key, as metadata: a function of the intent, and of the TTL that the key keeps. `ttl` is ISO 8601 UTC, null for
 * none.
 */
export function intentMetadata({ commit, trailers }: Intent, { ctype, etag }: IntentSet, ttl: string | null): Metadata {
  const { identity, time } = readStamp(commit.author);
  const createdBy = /<([^>]*)>/.exec(identity)?.[1] ?? identity;
  return { ctype, ttl, etag, createdBy, createdAt: formatTime(time), txn: trailers.txn };
}

/** What else an intent's operations are made of. */
export interface IntentState {
  /** The manifests of chunked values, by key. */
  readonly manifests: ReadonlyMap<string, Manifest>;
  /** The TTLs that keys have which are to keep theirs, by key. */
  readonly kept: ReadonlyMap<string, string>;
}

/** The operations of an intent, as a transaction is built from them. */
export function operationsOf(intent: Intent, { manifests, kept }: IntentState): Operation[] {
  return intent.operations.ops.map((one): Operation => {
    if (one.op === 'del') return { op: 'del', key: one.key };
    const { key, size, file } = one;
    const meta = intentMetadata(intent, one, one.keepTtl ? (kept.get(key) ?? one.ttl) : one.ttl);
    const manifest = manifests.get(key);
    if (manifest !== undefined) return { op: 'set', key, manifest, meta };
    return { op: 'set', key, stored: { oid: intent.values[file.at] as string, size }, meta };
  });
}

/** The keys that are to keep a TTL if they have one. */
export function keepingKeys({ operations }: Intent): string[] {
  return operations.ops.flatMap((one) => (one.op === 'set' && one.keepTtl ? [one.key] : []));
}
