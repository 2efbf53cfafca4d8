import { encodePointer, type Pointer } from '../../ledger/pointer.js';
import { toUrlsafe } from '../../ledger/key.js';
import { REF_SUFFIX } from '../../index/layout.js';
import type { RuleContext } from '../fault.js';
import { INDEX_BATCH, missingFile } from './index-blobs.js';

/**
 * Checks that the pointers of changed keys are there to be read: their ids follow from the ledger, so that nothing else has looked. Git
 * looks for what the new trees of a push name, and not below a tree that was there before.
 */
export async function checkPresentPointers(
  { store, namer, ns, emit }: RuleContext,
  pointers: ReadonlyMap<string, Pointer | null>,
): Promise<void> {
  const wanted = [...pointers].flatMap(([key, pointer]) =>
    pointer === null ? [] : [{ name: `${toUrlsafe(key)}${REF_SUFFIX}`, oid: namer.oid('blob', encodePointer(pointer)) }],
  );
  for (let at = 0; at < wanted.length; at += INDEX_BATCH) {
    const batch = wanted.slice(at, at + INDEX_BATCH);
    const headers = await store.headers(batch.map(({ oid }) => oid));
    for (const [i, { name, oid }] of batch.entries()) if (headers[i]?.type !== 'blob') emit(missingFile(ns, name, oid));
  }
}
