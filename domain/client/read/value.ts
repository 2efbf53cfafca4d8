import { KvError } from '../../../ports/error.js';
import type { GitObject, Oid } from '../../../ports/vocabulary.js';
import { quoteKey } from '../../ledger/value/key.js';
import type { Manifest, ManifestChunk } from '../../ledger/value/manifest.js';
import type { Metadata } from '../../ledger/value/metadata.js';
import { chunksRef, directionOf } from '../../ledger/refs.js';
import { fetchChunks } from '../clone/chunks-tip.js';
import type { Clone, WritingPorts } from '../clone/clone.js';
import type { ReadFrom } from '../clone/tips.js';

/** A value that lies in chunks, and where to get those that this clone hasn't got. */
export interface ChunkedValue {
  readonly ns: string;
  readonly key: string;
  readonly epoch: string;
  readonly manifest: Manifest;
  readonly meta: Metadata;
  readonly readFrom: ReadFrom;
  readonly offline: boolean;
}

/** How many chunks to ask for at a time: at the default chunk size, 4 MiB. */
const BATCH = 16;
/** How many a partial clone brings over one connection. They go to its disk: at the default chunk size, 256 MiB. */
const PREFETCH = 64 * BATCH;

/**
 * The value's bytes, chunk by chunk. Each chunk's digest is checked before it is given, the whole value's ETag after the
 * last. Throws `ATTESTATION_MISMATCH` naming the chunk, `NOT_FOUND` when one can't be had.
 */
export async function* readChunks(
  clone: Clone,
  value: ChunkedValue,
  onProgress?: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  const { hasher }: Pick<WritingPorts, 'hasher'> = await clone.forWriting();
  const etag = hasher.stream('blake3');
  const { chunks, totalSize } = value.manifest;
  let fetched = false;
  let done = 0;
  for (let at = 0; at < chunks.length; at += BATCH) {
    const batch = chunks.slice(at, at + BATCH);
    if (at % PREFETCH === 0) await clone.store.prefetch?.(chunks.slice(at, at + PREFETCH).map(({ blob }) => blob));
    let objects = await readBatch(clone, value, at);
    if (objects.some((object) => object === null) && !fetched && !value.offline) {
      await fetchMissing(clone, value, chunks.slice(at));
      fetched = true;
      objects = await readBatch(clone, value, at);
    }
    for (const [i, chunk] of batch.entries()) {
      const body = checked(value, at + i, chunk, objects[i] ?? null, (bytes) => hasher.hex('sha256', bytes));
      etag.update(body);
      done += body.length;
      onProgress?.(done);
      yield body;
    }
  }
  const actual = `blake3:${etag.hex()}`;
  if (done === totalSize && actual === value.manifest.etag && actual === value.meta.etag) return;
  throw new KvError(
    'ATTESTATION_MISMATCH',
    `value of ${quoteKey(value.key)} is not the one that was written: its ETag is ${actual}`,
    {
      hint: 'every chunk is sound, so the manifest is not: a full verification says more',
      advice: { id: 'verify-manifest' },
    },
  );
}

/** Where an epoch's chunks are to be had. */
type ChunksAt = Pick<ChunkedValue, 'ns' | 'epoch' | 'readFrom'>;

/**
 * Brings those chunks that this clone hasn't got: these alone, since the epoch's others may be many times as much. A host that gives
 * no objects by their ids is asked for all of the epoch's.
 */
export async function fetchMissing(clone: Clone, at: ChunksAt, chunks: readonly ManifestChunk[]): Promise<void> {
  const blobs = [...new Set(chunks.map(({ blob }) => blob))];
  const headers = await clone.store.headers(blobs);
  const missing = blobs.filter((_, i) => headers[i] === null);
  try {
    await clone.remotes.fetchObjects(clone.remoteName, directionOf(at.readFrom), missing, { onProgress: clone.onProgress });
  } catch (error) {
    if (!KvError.is(error) || error.code !== 'NOT_FOUND') throw error;
    await fetchChunks(clone, at.ns, at.epoch, at.readFrom);
  }
}

/** A store that cannot read one object fails for all that were asked with it: then each is asked by itself, to name the one. */
async function readBatch({ store }: Clone, value: ChunkedValue, at: number): Promise<(GitObject | null)[]> {
  const batch = value.manifest.chunks.slice(at, at + BATCH);
  try {
    return await store.read(batch.map(({ blob }) => blob));
  } catch (error) {
    if (!KvError.is(error) || error.code !== 'GIT_ERROR') throw error;
    const objects: (GitObject | null)[] = [];
    for (const [i, chunk] of batch.entries()) {
      try {
        objects.push(...(await store.read([chunk.blob])));
      } catch (cause) {
        throw damaged(value, at + i, chunk, cause);
      }
    }
    return objects;
  }
}

function checked(
  value: ChunkedValue,
  i: number,
  chunk: ManifestChunk,
  object: GitObject | null,
  digest: (bytes: Uint8Array) => string,
): Uint8Array {
  if (object === null) {
    const { ns, key, epoch } = value;
    throw new KvError('NOT_FOUND', `${nameOf(value, i, chunk)} is missing`, {
      hint: value.offline
        ? 'read it online, which fetches what is missing'
        : `fetch the chunks anew: git fetch --refetch REMOTE ${chunksRef(ns, epoch)} (git 2.36; an older one must clone anew), ` +
          "where REMOTE is the mirror's or the Stargate's URL",
      ...(value.offline ? { advice: { id: 'fetch-missing' } } : {}),
      details: { key, chunk: i, digest: chunk.digest, blob: chunk.blob satisfies Oid },
    });
  }
  if (object.type === 'blob' && object.body.length === chunk.size && digest(object.body) === chunk.digest) return object.body;
  throw damaged(value, i, chunk);
}

function damaged(value: ChunkedValue, i: number, chunk: ManifestChunk, cause?: unknown): KvError {
  return new KvError('ATTESTATION_MISMATCH', `${nameOf(value, i, chunk)} is damaged`, {
    hint: 'run git fsck in this clone; a fresh clone has it anew',
    details: { key: value.key, chunk: i, digest: chunk.digest },
    ...(cause === undefined ? {} : { cause }),
  });
}

function nameOf({ key, manifest }: ChunkedValue, i: number, { digest }: ManifestChunk): string {
  return `chunk ${i + 1} of ${manifest.chunks.length} (${digest.slice(0, 12)}…) of ${quoteKey(key)}`;
}
