import { KvError } from '../../ports/error.js';
import type { GitObject, Oid } from '../../ports/vocabulary.js';
import { quoteKey } from '../key.js';
import type { Manifest, ManifestChunk } from '../manifest.js';
import type { Metadata } from '../metadata.js';
import { fetchChunks } from './chunks-tip.js';
import type { Clone, WritingPorts } from './clone.js';
import type { ReadFrom } from './tips.js';

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

/**
 * The value's bytes, chunk by chunk. Each chunk's digest is checked before it is given, the whole value's ETag after the
 * last. Throws `ATTESTATION_MISMATCH` naming the chunk, `NOT_FOUND` when one can't be had.
 */
export async function* readChunks(clone: Clone, value: ChunkedValue, onProgress?: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  const { hasher }: Pick<WritingPorts, 'hasher'> = await clone.forWriting();
  const etag = hasher.stream('blake3');
  const { chunks, totalSize } = value.manifest;
  let fetched = false;
  let done = 0;
  for (let at = 0; at < chunks.length; at += BATCH) {
    const batch = chunks.slice(at, at + BATCH);
    let objects = await clone.store.read(batch.map(({ blob }) => blob));
    if (objects.some((object) => object === null) && !fetched && !value.offline) {
      await fetchChunks(clone, value.ns, value.epoch, value.readFrom);
      fetched = true;
      objects = await clone.store.read(batch.map(({ blob }) => blob));
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
  throw new KvError('ATTESTATION_MISMATCH', `value of ${quoteKey(value.key)} is not the one that was written: its ETag is ${actual}`, {
    hint: 'every chunk is sound, so the manifest is not: git kv verify --full says more',
  });
}

function checked(
  { ns, key, manifest }: ChunkedValue,
  i: number,
  chunk: ManifestChunk,
  object: GitObject | null,
  digest: (bytes: Uint8Array) => string,
): Uint8Array {
  const which = `chunk ${i + 1} of ${manifest.chunks.length} (${chunk.digest.slice(0, 12)}…) of ${quoteKey(key)}`;
  if (object === null) {
    throw new KvError('NOT_FOUND', `${which} is missing`, {
      hint: `fetch the chunks of namespace ${ns}: read once with --read-from=stargate`,
      details: { key, chunk: i, digest: chunk.digest, blob: chunk.blob satisfies Oid },
    });
  }
  if (object.type === 'blob' && object.body.length === chunk.size && digest(object.body) === chunk.digest) return object.body;
  throw new KvError('ATTESTATION_MISMATCH', `${which} is damaged`, {
    hint: 'read it from the other side: --read-from=stargate; then run git fsck in this clone',
    details: { key, chunk: i, digest: chunk.digest },
  });
}
