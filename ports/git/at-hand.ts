import type { NewObject } from './git-store.js';
import type { GitObject, Oid, RefName, RefUpdate } from '../vocabulary.js';

/**
 * What a store has in memory, told without waiting: a promise for each look costs more than the look. Refs and HEAD are as `refs` and
 * `head` would tell them. Throws, as those do, once the store is closed.
 */
export interface AtHand {
  /** The object; null where it is not at hand, which doesn't say that `read` finds none. */
  object(oid: Oid): GitObject | null;
  /** Where a ref is; null where there is none. */
  tip(ref: RefName): Oid | null;
  /** What HEAD names. */
  head(): RefName | Oid;
  /** Does and throws what `land` does, where nothing of it is to be waited for; absent where something is. */
  land?(objects: readonly NewObject[], updates: readonly RefUpdate[], reason: string): void;
}
