import type { Oid } from '../../../ports/vocabulary.js';
import { quoteKey } from '../../ledger/key.js';
import { decodeManifest, type Manifest } from '../../ledger/manifest.js';
import type { Metadata } from '../../ledger/metadata.js';
import type { Chunks } from './chunk-tree.js';
import type { Tally, VerifyContext } from './context.js';
import type { Place } from './findings.js';

export interface ManifestRequest {
  readonly place: Place;
  readonly chunks: Chunks | null;
  readonly chunksNewer: boolean;
  readonly digests: boolean;
}

/** How many chunks to hold at a time. */
const BATCH = 16;

/** Checks a manifest by itself, against its key's metadata, and against the epoch's chunks; gives the value's size, or null. */
export async function checkManifest(
  context: VerifyContext,
  request: ManifestRequest,
  key: string,
  body: Uint8Array,
  meta: Metadata | undefined,
  tally: Tally,
): Promise<number | null> {
  const { findings, store } = context;
  const { place } = request;
  const fault = (why: string, object?: Oid): void =>
    findings.fault(`key ${quoteKey(key)}: ${why}`, object === undefined ? place : { ...place, object });
  let manifest: Manifest;
  try {
    manifest = decodeManifest(body, quoteKey(key));
  } catch (error) {
    findings.thrown(error, place);
    return null;
  }
  if (manifest.key !== key) fault(`its manifest is that of ${quoteKey(manifest.key)}`);
  if (manifest.gitHash !== store.objectFormat) fault(`its manifest is made for ${manifest.gitHash} objects`);
  if (meta !== undefined && manifest.etag !== meta.etag) fault('its manifest and its metadata have different ETags');
  if (request.chunks === null) {
    findings.note('%d chunked values were not held against their chunks, which are not in this clone: reading one fetches them');
    return manifest.totalSize;
  }
  if (await checkReferences(context, request, manifest, request.chunks, fault))
    await checkContent(context, request, manifest, fault, tally);
  return manifest.totalSize;
}

type Report = (why: string, object?: Oid) => void;

/** Every chunk is in the tree, as the blob and of the size that the manifest says. True when all are there. */
async function checkReferences(
  { store, findings }: VerifyContext,
  { chunksNewer }: ManifestRequest,
  manifest: Manifest,
  chunks: Chunks,
  fault: Report,
): Promise<boolean> {
  const unknown = manifest.chunks.filter(({ digest }) => !chunks.has(digest));
  if (unknown.length > 0 && chunksNewer) {
    findings.note(
      '%d chunked values were not held against their chunks, which are newer than those in this clone: reading one fetches them',
    );
    return false;
  }
  let sound = true;
  const headers = await store.headers(manifest.chunks.map(({ blob }) => blob));
  manifest.chunks.forEach(({ digest, blob, size }, i) => {
    const which = `chunk ${i + 1} of ${manifest.chunks.length} (${digest.slice(0, 12)}…)`;
    const header = headers[i];
    let why: string | null = null;
    if (!chunks.has(digest)) why = 'is not among the chunks of the epoch';
    else if (chunks.get(digest) !== blob) why = 'is another blob than the chunks of the epoch have';
    else if (header?.type !== 'blob') why = 'is missing or damaged';
    else if (header.size !== size) why = `has ${header.size} bytes, its manifest says ${size}`;
    if (why === null) return;
    sound = false;
    fault(`${which} ${why}`, blob);
  });
  return sound;
}

/** Reads the whole value: each chunk is what its digest says, and all together what the ETag says. */
async function checkContent(
  { store, hasher }: VerifyContext,
  { digests }: ManifestRequest,
  manifest: Manifest,
  fault: Report,
  tally: Tally,
): Promise<void> {
  if (!digests) return;
  const { chunks } = manifest;
  const etag = hasher.stream('blake3');
  let sound = true;
  for (let at = 0; at < chunks.length; at += BATCH) {
    const batch = chunks.slice(at, at + BATCH);
    const bodies = await store.read(batch.map(({ blob }) => blob));
    batch.forEach(({ digest, blob }, i) => {
      const body = bodies[i]?.body;
      const right = body !== undefined && hasher.hex('sha256', body) === digest;
      if (right) etag.update(body);
      else
        fault(
          `chunk ${at + i + 1} of ${chunks.length} (${digest.slice(0, 12)}…) is ${body === undefined ? 'missing or damaged' : 'not what its digest says'}`,
          blob,
        );
      sound &&= right;
    });
  }
  tally.values++;
  tally.bytes += manifest.totalSize;
  if (sound && `blake3:${etag.hex()}` !== manifest.etag)
    fault('its chunks are sound, but together they are not the value that its ETag names');
}
