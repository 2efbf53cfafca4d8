import { KvError } from '../../../ports/error.js';
import type { GitObject, Oid } from '../../../ports/vocabulary.js';
import { keyBytes, quoteKey } from '../../ledger/value/key.js';
import { pathsOf, placeOf } from '../../ledger/paths.js';
import { decodeManifest } from '../../ledger/value/manifest.js';
import { decodeMetadata, type Metadata } from '../../ledger/value/metadata.js';
import { absentNamespace } from '../clone/policy/absent-namespace.js';
import type { Clone } from '../clone/clone.js';
import { knownPolicy } from '../clone/policy/known-policy.js';
import { type Freshness, tipForReading } from '../remote/tip-for-reading.js';
import type { LedgerCommit } from '../clone/tips.js';
import type { ChunkedValue } from './value.js';

/** Which key is read, from where, and whether also after its time. */
export interface ReadRequest extends Freshness {
  readonly ns: string;
  readonly key: string;
  readonly allowExpired: boolean;
}

/** A key that was read, and the state that it was read from. */
export interface Reading {
  readonly key: string;
  /** The bytes, or, for a large value, where to read them chunk by chunk (`readChunks`). */
  readonly value: Uint8Array | ChunkedValue;
  /** Bytes. */
  readonly size: number;
  readonly meta: Metadata;
  /** The value's blob, or its manifest's: what `--expect-blob` takes. */
  readonly oid: Oid;
  /** The ledger commit that was read, and its tree (what `--expect-tree` takes). */
  readonly commit: Oid;
  readonly tree: Oid;
  readonly epoch: string;
  readonly expired: boolean;
}

/** Reads one key from the newest state. Throws `KEY_INVALID`, `NOT_FOUND`, `EXPIRED`. */
export async function readKey(clone: Clone, request: ReadRequest): Promise<Reading> {
  keyBytes(request.key);
  const tip = await tipForReading(clone, request.ns, request, 'ledger');
  if (tip === null) throw await absentNamespace(clone, request.ns, request.offline);
  return readKeyIn(clone, request, { oid: tip.ledger, commit: tip.commit, trailers: tip.trailers });
}

/** Reads one key as of a ledger commit, its TTL judged at `now` (ms since the epoch). */
export async function readKeyIn(
  clone: Clone,
  request: ReadRequest,
  ledger: LedgerCommit,
  now = clone.clock.now(),
): Promise<Reading> {
  const paths = pathsOf(request.ns, placeOf(request.key, clone.hasher));
  const blobs = await clone.store.readPaths(ledger.commit.tree, [paths.meta, paths.data, paths.manifest]);
  const [meta = null, data = null, manifest = null] = blobs;
  return readingOf(clone, request, { ledger, time: now }, { meta, data, manifest });
}

/** What a ledger has of a key: its metadata, and its value or its value's manifest. */
interface KeyBlobs {
  readonly meta: GitObject | null;
  readonly data: GitObject | null;
  readonly manifest: GitObject | null;
}

/** A key's reading from its blobs. `time` in ms since the epoch. Throws `NOT_FOUND`, `EXPIRED`. */
export async function readingOf(
  clone: Clone,
  request: ReadRequest,
  { ledger, time: now }: { readonly ledger: LedgerCommit; readonly time: number },
  { meta: metaBlob, data, manifest: manifestBlob }: KeyBlobs,
): Promise<Reading> {
  const { ns, key } = request;
  const { tree } = ledger.commit;
  const found = data ?? manifestBlob;
  if (!metaBlob || !found) {
    throw new KvError('NOT_FOUND', `no key ${quoteKey(key)} in namespace ${ns}`, {
      hint: 'list the keys that there are',
      advice: { id: 'list-keys', ns },
    });
  }
  const meta = decodeMetadata(metaBlob.body, quoteKey(key));
  const expired = hasPassed(meta.ttl, now) && (await hidesExpired(clone, ns));
  if (expired && !request.allowExpired) {
    throw new KvError('EXPIRED', `key ${quoteKey(key)} expired at ${meta.ttl}`, {
      hint: 'expired values can be read all the same, when that is asked for',
      advice: { id: 'allow-expired' },
    });
  }
  const { epoch } = ledger.trailers;
  const common = { key, meta, oid: found.oid, commit: ledger.oid, tree, epoch, expired };
  if (data) {
    checkEtag(clone, key, meta, data.body);
    return { ...common, value: data.body, size: data.body.length };
  }
  const manifest = decodeManifest(found.body, quoteKey(key));
  const { readFrom, offline } = request;
  return { ...common, value: { ns, key, epoch, manifest, meta, readFrom, offline }, size: manifest.totalSize };
}

/** `ATTESTATION_MISMATCH` unless a value is the one that its metadata names. */
function checkEtag({ hasher }: Clone, key: string, meta: Metadata, value: Uint8Array): void {
  const actual = `blake3:${hasher.hex('blake3', value)}`;
  if (actual === meta.etag) return;
  throw new KvError('ATTESTATION_MISMATCH', `value of ${quoteKey(key)} is not the one that was written: its ETag is ${actual}`, {
    hint: 'its metadata names another one: a full verification says more',
    advice: { id: 'verify-manifest' },
  });
}

/** Whether a TTL lies behind a time, given in milliseconds since the epoch. */
export const hasPassed = (ttl: string | null, time: number): boolean => ttl !== null && Date.parse(ttl) <= time;

/** Whether readers are to leave out what has expired. */
export async function hidesExpired(clone: Clone, ns: string): Promise<boolean> {
  return (await knownPolicy(clone))?.namespaces.get(ns)?.retention.enforceReadside ?? true;
}
