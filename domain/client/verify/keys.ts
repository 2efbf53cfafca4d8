import type { Oid } from '../../../ports/vocabulary.js';
import { quoteKey } from '../../ledger/key.js';
import { type LedgerFile, parseLedgerPath, pathsOf, placeOf } from '../../ledger/paths.js';
import { decodeMetadata, type Metadata } from '../../ledger/metadata.js';
import { type Pointer, tombstone } from '../../ledger/pointer.js';
import { MODE_FILE } from '../../git/tree.js';
import { valuePointer } from '../../ledger/transaction-plan.js';
import type { TreeChange } from '../../git/tree-diff.js';
import { inBatches } from '../../verify/blobs.js';
import type { Chunks } from './chunk-tree.js';
import type { Tally, VerifyContext } from './context.js';
import type { Place } from './findings.js';
import { checkManifest } from './manifests.js';
import { changesOf, filesAt } from './trees.js';

export interface KeysRequest {
  readonly before: Oid | null;
  readonly after: Oid;
  /** The transaction that must have set the changed keys; null: many did. */
  readonly txn: string | null;
  readonly place: Place;
  /** The chunks that manifests may name; null: not in this clone. `chunksNewer`: some that the ledger attests are not here yet. */
  readonly chunks: Chunks | null;
  readonly chunksNewer: boolean;
  /** Read every value and hold it against its ETag. */
  readonly digests: boolean;
}

export interface CheckedKeys {
  /** What the index must say; null: the key changed, but what it says could not be told. */
  readonly pointers: Map<string, Pointer | null>;
  readonly set: number;
  readonly del: number;
}

interface SetKey {
  readonly key: string;
  readonly meta: Oid;
  readonly data: Oid | null;
  readonly manifest: Oid | null;
}

type Files = Partial<Record<LedgerFile, TreeChange>>;

/** How many keys to look at in one request. */
const BATCH = 4096;

/** Checks the keys that differ between two ledger trees: their places, that value and metadata go together, and what they say. */
export async function checkKeys(context: VerifyContext, request: KeysRequest, tally: Tally): Promise<CheckedKeys> {
  const { findings } = context;
  const { place } = request;
  const byKey = await group(context, request);
  const pointers = new Map<string, Pointer | null>();
  const sets: SetKey[] = [];
  let del = 0;
  const same = await unmoved(context, request, byKey);
  for (const [key, files] of byKey) {
    const torn = (why: string): void => {
      findings.fault(`key ${quoteKey(key)}: ${why}`, { ...place, key });
      pointers.set(key, null);
    };
    const data = files.data?.after?.oid ?? same.get(key)?.data ?? null;
    const manifest = files.manifest?.after?.oid ?? same.get(key)?.manifest ?? null;
    if (files.meta === undefined) torn('its value changed without its metadata');
    else if (files.meta.after === null && (data !== null || manifest !== null)) torn('its metadata is gone but its value is not');
    else if (files.meta.after === null) {
      del++;
      pointers.set(key, tombstone(key));
    } else {
      if ((data === null) === (manifest === null))
        torn(data === null ? 'it has metadata, but no value' : 'it has both an inline value and a manifest');
      else sets.push({ key, meta: files.meta.after.oid, data, manifest });
    }
  }
  tally.keys += byKey.size;
  for (let at = 0; at < sets.length; at += BATCH) {
    const batch = sets.slice(at, at + BATCH);
    for (const [key, pointer] of context.blobs ? await checkSets(context, request, batch, tally) : namesOf(batch))
      pointers.set(key, pointer);
    context.onProgress(`${at + batch.length} of ${sets.length} keys`);
  }
  return { pointers, set: sets.length, del };
}

const namesOf = (batch: readonly SetKey[]): [string, null][] => batch.map(({ key }) => [key, null]);

async function group(context: VerifyContext, { before, after, place }: KeysRequest): Promise<Map<string, Files>> {
  const { ns, hasher, findings } = context;
  const byKey = new Map<string, Files>();
  for (const change of await changesOf(context, before, after, place)) {
    const { path } = change;
    const found = parseLedgerPath(path, ns, hasher);
    if (found === undefined) {
      if (change.after !== null) findings.fault(`${JSON.stringify(path)} is no place for a key of namespace ${ns}`, place);
      continue;
    }
    if (change.after !== null && change.after.mode !== MODE_FILE)
      findings.fault(`${JSON.stringify(path)} has file mode ${change.after.mode}`, { ...place, key: found.key });
    const files = byKey.get(found.key) ?? {};
    files[found.file] = change;
    byKey.set(found.key, files);
  }
  return byKey;
}

/** The values of keys whose metadata alone changed. */
async function unmoved(
  context: VerifyContext,
  { after, place }: KeysRequest,
  byKey: ReadonlyMap<string, Files>,
): Promise<Map<string, { data: Oid | null; manifest: Oid | null }>> {
  const { ns, hasher } = context;
  const keys = [...byKey]
    .filter(([, files]) => files.meta?.after && !files.data?.after && !files.manifest?.after)
    .map(([key]) => key);
  const paths = new Map(keys.map((key) => [key, pathsOf(ns, placeOf(key, hasher))]));
  const found = await filesAt(
    context,
    after,
    [...paths.values()].flatMap(({ data, manifest }) => [data, manifest]),
    place,
  );
  return new Map(
    [...paths].map(([key, { data, manifest }]) => [
      key,
      { data: found.get(data) ?? null, manifest: found.get(manifest) ?? null },
    ]),
  );
}

async function checkSets(
  context: VerifyContext,
  request: KeysRequest,
  sets: readonly SetKey[],
  tally: Tally,
): Promise<Map<string, Pointer | null>> {
  const metas = await readMetas(context, request, sets);
  const sizes = new Map([
    ...(await inlineSizes(
      context,
      request,
      sets.filter(({ data }) => data !== null),
      metas,
      tally,
    )),
    ...(await chunkedSizes(
      context,
      request,
      sets.filter(({ manifest }) => manifest !== null),
      metas,
      tally,
    )),
  ]);
  return new Map(
    sets.map(({ key, data, manifest }) => {
      const [meta, size] = [metas.get(key), sizes.get(key)];
      return [key, meta === undefined || size === undefined ? null : valuePointer(key, data, manifest, size, meta)];
    }),
  );
}

async function readMetas(
  { store, findings }: VerifyContext,
  { place, txn }: KeysRequest,
  sets: readonly SetKey[],
): Promise<Map<string, Metadata>> {
  const metas = new Map<string, Metadata>();
  const blobs = await store.read(sets.map(({ meta }) => meta));
  for (const [i, { key, meta: oid }] of sets.entries()) {
    const blob = blobs[i];
    if (!blob) {
      findings.fault(`key ${quoteKey(key)}: its metadata is missing or damaged`, { ...place, key, object: oid });
      continue;
    }
    try {
      const meta = decodeMetadata(blob.body, quoteKey(key));
      metas.set(key, meta);
      if (txn !== null && meta.txn !== txn)
        findings.fault(`key ${quoteKey(key)}: its metadata names transaction ${meta.txn}`, { ...place, key });
    } catch (error) {
      findings.thrown(error, { ...place, key });
    }
  }
  return metas;
}

async function inlineSizes(
  { store, findings, hasher }: VerifyContext,
  { place, digests }: KeysRequest,
  sets: readonly SetKey[],
  metas: ReadonlyMap<string, Metadata>,
  tally: Tally,
): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  const headers = await store.headers(sets.map(({ data }) => data as Oid));
  const there: { key: string; oid: Oid; size: number }[] = [];
  for (const [i, { key, data }] of sets.entries()) {
    const header = headers[i];
    if (header?.type === 'blob') {
      sizes.set(key, header.size);
      there.push({ key, oid: data as Oid, size: header.size });
    } else findings.fault(`key ${quoteKey(key)}: its value is missing or damaged`, { ...place, key, object: data as Oid });
  }
  if (!digests) return sizes;
  for (const batch of inBatches(there)) {
    const values = await store.read(batch.map(({ oid }) => oid));
    for (const [i, { key, oid }] of batch.entries()) {
      const body = values[i]?.body;
      if (body === undefined) {
        findings.fault(`key ${quoteKey(key)}: its value is missing or damaged`, { ...place, key, object: oid });
        continue;
      }
      tally.values++;
      tally.bytes += body.length;
      const etag = metas.get(key)?.etag;
      if (etag !== undefined && etag !== `blake3:${hasher.hex('blake3', body)}`)
        findings.fault(`key ${quoteKey(key)}: its ETag is not the digest of its value`, { ...place, key });
    }
  }
  return sizes;
}

async function chunkedSizes(
  context: VerifyContext,
  request: KeysRequest,
  sets: readonly SetKey[],
  metas: ReadonlyMap<string, Metadata>,
  tally: Tally,
): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  const blobs = await context.store.read(sets.map(({ manifest }) => manifest as Oid));
  for (const [i, { key, manifest }] of sets.entries()) {
    const place = { ...request.place, key };
    const blob = blobs[i];
    if (!blob) {
      context.findings.fault(`key ${quoteKey(key)}: its manifest is missing or damaged`, { ...place, object: manifest as Oid });
      continue;
    }
    const size = await checkManifest(context, { ...request, place }, key, blob.body, metas.get(key), tally);
    if (size !== null) sizes.set(key, size);
  }
  return sizes;
}
