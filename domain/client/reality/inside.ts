import type { GitStore } from '../../../ports/git/git-store.js';
import type { Oid, RefName } from '../../../ports/vocabulary.js';
import { replacing } from '../../git/store-view.js';
import type { Clone } from '../clone/clone.js';
import { requireReality } from './about.js';
import { refInside } from './reality-refs.js';

/**
 * The clone as it is inside a reality: the namespace's refs are the reality's, so that every read and every write of the namespace is of
 * it, and nothing is fetched or pushed. The objects are the clone's, which makes a reality as small as what was changed in it. Throws
 * `NOT_FOUND` where there is no such reality.
 */
export async function inReality(clone: Clone, ns: string, name: string): Promise<Clone> {
  await requireReality(clone, ns, name);
  return {
    ...clone,
    reality: name,
    store: insideStore(clone.store, refInside(ns, name)),
    // Nothing of the namespace is asked of it. What a value lacks that the reality began with, its chunks, can still be fetched.
    remotes: replacing(clone.remotes, { url: async () => null }),
  };
}

function insideStore(store: GitStore, inside: (ref: RefName) => RefName | null | undefined): GitStore {
  const placeOf = (ref: RefName): RefName => inside(ref) ?? ref;
  return replacing(store, {
    async refs(patterns) {
      const names = patterns.filter((pattern) => inside(pattern) !== null);
      const found = await store.refs(names.map(placeOf));
      const exact = names.flatMap((name): [RefName, Oid][] => {
        const oid = found.get(placeOf(name));
        return oid === undefined ? [] : [[name, oid]];
      });
      const listed = [...found].filter(([ref]) => names.some((name) => name.endsWith('/') && ref.startsWith(name)));
      return new Map([...exact, ...listed]);
    },
    updateRefs: (updates, reason) =>
      store.updateRefs(
        updates.map((update) => ({ ...update, ref: placeOf(update.ref) })),
        reason,
      ),
  });
}
