import type { GitStore } from '../../../ports/git/git-store.js';
import type { GitObject, Oid } from '../../../ports/vocabulary.js';
import { replacing } from '../../git/store-view.js';

/** A store in front of which some objects lie that it may lack: reads see them. Everything else is the store's. */
export function overlay(store: GitStore, objects: ReadonlyMap<Oid, GitObject>): GitStore {
  if (objects.size === 0) return store;
  const own: Pick<GitStore, 'read' | 'headers'> = {
    read: (oids, bounds) =>
      behind(
        oids,
        (oid) => objects.get(oid),
        (missing) => store.read(missing, bounds),
      ),
    headers: (oids) =>
      behind(
        oids,
        (oid) => {
          const object = objects.get(oid);
          return object && { oid, type: object.type, size: object.body.length };
        },
        (missing) => store.headers(missing),
      ),
  };
  return replacing(store, own);
}

/** What is at hand, and what `rest` gives of those that aren't, in the order asked. */
export async function behind<T>(
  oids: readonly Oid[],
  atHand: (oid: Oid) => T | undefined,
  rest: (missing: readonly Oid[]) => Promise<readonly (T | null)[]>,
): Promise<(T | null)[]> {
  const found = oids.map(atHand);
  const missing = oids.filter((_, i) => found[i] === undefined);
  const read = missing.length === 0 ? [] : await rest(missing);
  let at = 0;
  return found.map((one) => one ?? read[at++] ?? null);
}
