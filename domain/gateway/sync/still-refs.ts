import { KvError } from '../../../ports/error.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { Oid, RefName } from '../../../ports/vocabulary.js';
import { isStaged } from './stage.js';

/** As often the refs are read before writes are found to leave no gap. */
const MAX_READS = 200;

/**
 * All refs of a repository that another process may be writing to, as they were at one moment. Reading them is not atomic, so they are
 * read until two readings in a row are the same: no ref ever goes back to where it was, so between the two nothing moved.
 * Throws `IO_ERROR` when writes leave no gap.
 */
export async function stillRefs(store: GitStore): Promise<Map<RefName, Oid>> {
  let before = await store.refs(['refs/']);
  for (let reads = 1; reads < MAX_READS; reads++) {
    const now = await store.refs(['refs/']);
    if (now.size === before.size && [...now].every(([ref, oid]) => before.get(ref) === oid)) {
      return new Map([...now].filter(([ref]) => !isStaged(ref)));
    }
    before = now;
  }
  throw new KvError('IO_ERROR', 'the refs move faster than they can be read', { hint: 'try again when there are fewer writes' });
}
