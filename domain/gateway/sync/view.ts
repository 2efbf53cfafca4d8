import type { GitStore } from '../../../ports/git/git-store.js';
import type { Oid, RefName } from '../../../ports/vocabulary.js';
import { replacing } from '../../git/store-view.js';

/** A store that shows other refs than its own: the state of one moment, over the objects of all. Passes everything else on. */
export function withRefs(store: GitStore, view: ReadonlyMap<RefName, Oid>): GitStore {
  const refs = async (patterns: readonly string[]): Promise<Map<RefName, Oid>> =>
    new Map([...view].filter(([ref]) => patterns.some((each) => (each.endsWith('/') ? ref.startsWith(each) : ref === each))));
  return replacing(store, { refs });
}
