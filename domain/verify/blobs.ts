import type { Oid } from '../../ports/vocabulary.js';
import type { Fault, RuleContext } from './fault.js';

/** How much to hold in memory at a time, bytes. */
const BATCH_BYTES = 4 * 1024 * 1024;

/** The bodies of blobs, in their order; null, and the fault that `missing` gives, for what is missing or is no blob. */
export async function readBlobs<T extends { readonly oid: Oid }>(
  { store, emit }: RuleContext,
  items: readonly T[],
  missing: (item: T) => Fault,
): Promise<(Uint8Array | null)[]> {
  const objects = await store.read(items.map(({ oid }) => oid));
  return items.map((item, i) => {
    const object = objects[i];
    if (object?.type === 'blob') return object.body;
    emit(missing(item));
    return null;
  });
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
