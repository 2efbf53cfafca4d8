import type { ObjectHeader, Oid } from '../../../ports/vocabulary.js';
import { valuePointer } from '../../ledger/transaction/transaction-plan.js';
import type { Metadata } from '../../ledger/value/metadata.js';
import { type Pointer, tombstone } from '../../ledger/value/pointer.js';
import { inBatches, readBlobs } from '../blobs.js';
import { wrongKey, type RuleContext } from '../fault.js';
import type { KeyChange, SetChange } from './ledger-changes.js';
import { checkManifests, type ManifestRequest, type ReadValues } from './manifests.js';
import { checkMetas, type MetaRequest } from './metas.js';
import { checkInlineSize, checkLfs, checkPrefix, LFS_POINTER_MAX } from '../policy-rules.js';

/** What values are held against. */
interface ValueRequest extends MetaRequest, ManifestRequest {
  /** The keys whose inline values are read and held against their ETags. */
  readonly digests: 'all' | ReadonlySet<string>;
}

/** What came of checking keys. */
interface CheckedValues extends Omit<ReadValues, 'sizes'> {
  /** What the index must say of each key; null: a fault leaves that open. */
  readonly pointers: Map<string, Pointer | null>;
}

/** How many keys to look at in one request. */
export const VALUES_BATCH = 4096;

/**
 * Checks changed keys against the policy and their own metadata, and gives the pointer that the index must have for each.
 * `POLICY_VIOLATION`, or `ATTESTATION_MISMATCH` when metadata and value disagree. Holds what it reads of some keys at a time.
 */
export async function checkAllValues(
  rules: RuleContext,
  request: ValueRequest,
  changes: readonly KeyChange[],
): Promise<Map<string, Pointer | null>> {
  const all = new Map<string, Pointer | null>();
  for (let at = 0; at < changes.length; at += VALUES_BATCH) {
    const { pointers } = await checkValues(rules, request, changes.slice(at, at + VALUES_BATCH));
    for (const [key, pointer] of pointers) all.set(key, pointer);
  }
  return all;
}

/** The same for as many keys as can be held at a time. */
export async function checkValues(
  rules: RuleContext,
  request: ValueRequest,
  changes: readonly KeyChange[],
): Promise<CheckedValues> {
  const { policy } = request;
  const sets = changes.filter((change) => change.op === 'set');
  // A key from before the policy named its prefixes may still be deleted.
  if (policy !== null) for (const { key } of sets) checkPrefix(policy, rules.ns, key, rules.emit);
  const inSight = headersOf(rules, sets);
  const metas = await checkMetas(rules, request, sets);
  const inline = await checkInline(rules, request, await inSight, metas);
  const chunked = await checkManifests(rules, request, sets, metas);
  const pointers = new Map<string, Pointer | null>();
  for (const change of changes) {
    const { key } = change;
    const [meta, size] = [metas.get(key), inline.sizes.get(key) ?? chunked.sizes.get(key)];
    if (change.op === 'del') pointers.set(key, tombstone(key));
    else if (meta === undefined || size === undefined) pointers.set(key, null);
    else pointers.set(key, valuePointer(key, change.data, change.manifest, size, meta));
  }
  return { pointers, values: inline.values + chunked.values, bytes: inline.bytes + chunked.bytes };
}

/** A value that lies in the ledger itself; `header` null: it is missing. */
interface InlineValue {
  readonly key: string;
  readonly oid: Oid;
  readonly header: ObjectHeader | null;
}

/** What values in the ledger are, without reading them. Asked for while metadata is read. */
function headersOf({ store }: RuleContext, sets: readonly SetChange[]): Promise<InlineValue[]> {
  const inline = sets.flatMap(({ key, data }) => (data === null ? [] : [{ key, oid: data }]));
  const headers = store.headers(inline.map(({ oid }) => oid));
  const values = headers.then((found) => inline.map((value, i) => ({ ...value, header: found[i] ?? null })));
  values.catch(() => undefined); // told to who waits for it, unless something else is told first
  return values;
}

/** Values that lie in the ledger itself. */
async function checkInline(
  rules: RuleContext,
  { policy, digests }: ValueRequest,
  inline: readonly InlineValue[],
  metas: ReadonlyMap<string, Metadata>,
): Promise<ReadValues> {
  const { emit, namer } = rules;
  const hashed = (key: string): boolean => digests === 'all' || digests.has(key);
  const sizes = new Map<string, number>();
  const toRead: { key: string; oid: Oid; size: number }[] = [];
  for (const { key, oid, header } of inline) {
    if (header?.type !== 'blob') {
      emit(missing({ key, oid }));
      continue;
    }
    const { size } = header;
    sizes.set(key, size);
    if (policy !== null) checkInlineSize(policy, key, size, emit);
    if (hashed(key) || (policy !== null && size < LFS_POINTER_MAX)) toRead.push({ key, oid, size });
  }
  let [values, bytes] = [0, 0];
  for (const batch of inBatches(toRead)) {
    const bodies = await readBlobs(rules, batch, missing);
    for (const [i, { key }] of batch.entries()) {
      const body = bodies[i];
      if (!body) continue;
      if (policy !== null) checkLfs(policy, key, body, emit);
      if (!hashed(key)) continue;
      values++;
      bytes += body.length;
      const etag = metas.get(key)?.etag;
      if (etag !== undefined && etag !== `blake3:${namer.hasher.hex('blake3', body)}`)
        emit(wrongKey(key, 'its ETag is not the digest of its value'));
    }
  }
  return { sizes, values, bytes };
}

const missing = ({ key, oid }: { readonly key: string; readonly oid: Oid }): ReturnType<typeof wrongKey> =>
  wrongKey(key, 'its value is missing or is no blob', oid);
