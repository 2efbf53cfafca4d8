import { REF_SUFFIX } from '../../index/layout.js';
import type { PointerFile } from '../../index/update.js';
import type { RuleContext } from '../fault.js';
import { INDEX_BATCH, missingFile } from './index-blobs.js';

/**
 * Checks that the pointers of changed keys, by urlsafe key, are there to be read: their ids follow from the ledger, so that nothing else
 * has looked. Git looks for what the new trees of a push name, and not below a tree that was there before.
 */
export async function checkPresentPointers(
  { store, ns, emit }: RuleContext,
  files: ReadonlyMap<string, PointerFile>,
): Promise<void> {
  const wanted = [...files];
  for (let at = 0; at < wanted.length; at += INDEX_BATCH) {
    const batch = wanted.slice(at, at + INDEX_BATCH);
    const headers = await store.headers(batch.map(([, { oid }]) => oid));
    for (const [i, [urlsafe, { oid }]] of batch.entries())
      if (headers[i]?.type !== 'blob') emit(missingFile(ns, `${urlsafe}${REF_SUFFIX}`, oid));
  }
}
