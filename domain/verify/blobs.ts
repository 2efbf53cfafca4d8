import { KvError } from '../../ports/error.js';
import type { GitStore } from '../../ports/git-store.js';
import type { GitObject, Oid } from '../../ports/vocabulary.js';

/** How much to hold in memory at a time, bytes. */
const BATCH_BYTES = 16 * 1024 * 1024;

/** Reads blobs, in order. Throws `ATTESTATION_MISMATCH` when one is missing. */
export async function readBlobs(store: GitStore, oids: readonly Oid[]): Promise<GitObject[]> {
  const objects = await store.read(oids);
  objects.forEach((object, i) => {
    if (object === null || object.type !== 'blob') throw new KvError('ATTESTATION_MISMATCH', `blob ${oids[i]} is missing`);
  });
  return objects as GitObject[];
}

/** Splits items so that those of one batch are held together in bounded memory; an item larger than that is a batch by itself. */
export function* inBatches<T extends { readonly size: number }>(items: readonly T[]): Generator<T[]> {
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
