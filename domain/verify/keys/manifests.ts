import type { NamespacePolicy } from '../../../ports/stargate/policy-reader.js';
import type { Oid } from '../../../ports/vocabulary.js';
import { quoteKey } from '../../ledger/value/key.js';
import { chunkDirs, decodeManifest, type Manifest } from '../../ledger/value/manifest.js';
import type { Metadata } from '../../ledger/value/metadata.js';
import { inBatches, readBlobs } from '../blobs.js';
import { checkChunkedContent } from './chunked-content.js';
import { attempt, type Fault, wrongKey, type RuleContext } from '../fault.js';
import type { SetChange } from './ledger-changes.js';
import { checkTotalSize } from '../policy-rules.js';
import { blobsAt, boundsOf } from '../trees.js';

/** Finds the blobs of chunks by their digests. Null: not all chunks are here, so that nothing can be held against them. */
export type FindChunks = (digests: readonly string[]) => Promise<ReadonlyMap<string, Oid> | null>;

/** What manifests are held against. */
export interface ManifestRequest {
  readonly policy: NamespacePolicy | null;
  /** The chunks that manifests may name. */
  readonly findChunks: FindChunks;
  /** Read every chunk, and hold the whole value against its ETag. */
  readonly content: boolean;
}

/** A manifest that was parsed, with what its chunks are looked up by, takes so many times its bytes. */
const PARSED = 12;

/** Others have their turn when so much of manifests was parsed, bytes. */
const A_TURN = 256 * 1024;

/** Sizes of values by key, as far as they are known, and what was read whole. */
export interface ReadValues {
  readonly sizes: ReadonlyMap<string, number>;
  readonly values: number;
  readonly bytes: number;
}

/** The chunks of a chunks tree (null: there are none). */
export function chunksIn(rules: RuleContext, tree: Oid | null): FindChunks {
  return async (digests) => {
    const paths = new Map(digests.map((digest) => [digest, [...chunkDirs(rules.ns, digest), digest].join('/')]));
    const blobs = await blobsAt(rules, tree, [...paths.values()]);
    return new Map(
      [...paths].flatMap(([digest, path]) => {
        const blob = blobs.get(path);
        return blob === undefined ? [] : [[digest, blob] as const];
      }),
    );
  };
}

/** Checks the manifests of keys that have one: each by itself, against the key's metadata, and against the epoch's chunks. */
export async function checkManifests(
  rules: RuleContext,
  request: ManifestRequest,
  sets: readonly SetChange[],
  metas: ReadonlyMap<string, Metadata>,
): Promise<ReadValues> {
  const { emit } = rules;
  const sizes = new Map<string, number>();
  let [values, bytes, parsed] = [0, 0, 0];
  const { charge, pause } = boundsOf(rules);
  for (const batch of inBatches(await smallManifests(rules, request, sets))) {
    const bodies = await readBlobs(rules, batch, ({ key, oid }) => wrongKey(key, 'its manifest is missing or is no blob', oid));
    for (const [i, { key }] of batch.entries()) {
      const body = bodies[i];
      await charge?.('a manifest', PARSED * (body?.length ?? 0));
      const manifest = body ? attempt(emit, { key }, () => decodeManifest(body, quoteKey(key))) : null;
      if (manifest === null) continue;
      sizes.set(key, manifest.totalSize);
      checkManifest(rules, key, manifest, metas.get(key));
      if (request.policy !== null) checkTotalSize(request.policy, key, manifest.totalSize, emit);
      const there = await checkReferences(rules, request.findChunks, key, manifest);
      parsed += body?.length ?? 0;
      if (parsed > A_TURN) {
        parsed = 0;
        await pause?.();
      }
      if (!request.content || !there) continue;
      await checkChunkedContent(rules, key, manifest);
      values++;
      bytes += manifest.totalSize;
    }
  }
  await charge?.('a manifest', 0);
  return { sizes, values, bytes };
}

/** The manifests that are not too large to be parsed, with their sizes; what is missing has size 0, and is told when it is read. */
async function smallManifests(
  rules: RuleContext,
  { policy }: ManifestRequest,
  sets: readonly SetChange[],
): Promise<{ readonly key: string; readonly oid: Oid; readonly size: number }[]> {
  const files = sets.flatMap(({ key, manifest }) => (manifest === null ? [] : [{ key, oid: manifest }]));
  if (files.length === 0) return [];
  const headers = await rules.store.headers(files.map(({ oid }) => oid));
  const most = Math.min(boundsOf(rules).manifestBytes, policy === null ? Number.POSITIVE_INFINITY : longestManifest(policy));
  const sized = files.map((file, i) => ({ ...file, size: headers[i]?.size ?? 0 }));
  for (const { key, oid, size } of sized) if (size > most) rules.emit(longManifest(key, oid, size, most));
  return sized.filter(({ size }) => size <= most);
}

/** What a chunk takes in a manifest at most, and what costs little in any case; bytes. */
const A_CHUNK = 256;
const LITTLE = 64 * 1024;
/** A chunk may be a quarter of the policy's smallest: values that were written under an older policy may be set again. */
const SMALLER = 4;

/** The longest manifest that a value can have which the policy takes, bytes. */
function longestManifest({ chunking, maxValueTotal }: NamespacePolicy): number {
  const smallest = chunking.mode === 'fixed' ? chunking.size : chunking.min;
  return LITTLE + A_CHUNK * Math.ceil((SMALLER * maxValueTotal) / smallest);
}

function longManifest(key: string, object: Oid, size: number, limit: number): Fault {
  return {
    code: 'POLICY_VIOLATION',
    message: `manifest of ${quoteKey(key)} has ${size} bytes, more than the ${limit} that one may have`,
    hint: 'cut the value into larger chunks, or have an admin raise the bound in the policy',
    subject: { key, object },
    facts: { size, limit },
  };
}

function checkManifest({ store, emit }: RuleContext, key: string, manifest: Manifest, meta: Metadata | undefined): void {
  if (manifest.key !== key) emit(wrongKey(key, `its manifest is that of ${quoteKey(manifest.key)}`));
  if (manifest.gitHash !== store.objectFormat) emit(wrongKey(key, `its manifest is made for ${manifest.gitHash} objects`));
  if (meta !== undefined && manifest.etag !== meta.etag)
    emit(wrongKey(key, 'its manifest and its metadata have different ETags'));
}

/** Every chunk that a manifest names is among the epoch's, as the blob and with the size that it says. True when all are. */
async function checkReferences(
  { store, emit }: RuleContext,
  findChunks: FindChunks,
  key: string,
  { chunks }: Manifest,
): Promise<boolean> {
  const found = await findChunks(chunks.map(({ digest }) => digest));
  if (found === null) return false;
  const headers = await store.headers(chunks.map(({ blob }) => blob));
  let sound = true;
  for (const [i, { digest, blob, size }] of chunks.entries()) {
    let why: string | null = null;
    if (found.get(digest) !== blob) why = `chunk ${i} (${digest.slice(0, 12)}…) is not among the chunks of the epoch`;
    else if (headers[i]?.size !== size) why = `chunk ${i} has ${headers[i]?.size ?? 'no'} bytes, its manifest says ${size}`;
    if (why === null) continue;
    sound = false;
    emit(wrongKey(key, why, blob));
  }
  return sound;
}
