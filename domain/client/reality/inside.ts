import type { GitRemote } from '../../../ports/git/git-remote.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { Oid, RefName } from '../../../ports/vocabulary.js';
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
  const { config } = clone;
  return {
    ...clone,
    reality: name,
    store: insideStore(clone.store, refInside(ns, name)),
    remotes: withoutAddress(clone.remotes),
    // What the Stargate has said of other writes is no part of it.
    cache: undefined,
    // The remote that the clone is to have is none of a reality's.
    config: {
      get: (key) => (key === 'kv.remote' ? undefined : config.get(key)),
      all: (key) => config.all(key),
      names: () => config.names(),
      identity: () => config.identity(),
    },
  };
}

function insideStore(store: GitStore, inside: (ref: RefName) => RefName | null | undefined): GitStore {
  const placeOf = (ref: RefName): RefName => inside(ref) ?? ref;
  const { prefetch, prepareHistory } = store;
  return {
    capabilities: store.capabilities,
    objectFormat: store.objectFormat,
    read: (oids, bounds) => store.read(oids, bounds),
    headers: (oids) => store.headers(oids),
    readPaths: (root, paths, bounds) => store.readPaths(root, paths, bounds),
    write: (objects) => store.write(objects),
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
    isAncestor: (ancestor, descendant) => store.isAncestor(ancestor, descendant),
    history: (query) => store.history(query),
    openQuarantine: (path) => store.openQuarantine(path),
    close: () => store.close(),
    ...(prefetch === undefined ? {} : { prefetch: (oids) => prefetch.call(store, oids) }),
    ...(prepareHistory === undefined ? {} : { prepareHistory: (tip) => prepareHistory.call(store, tip) }),
  };
}

/** A remote that nothing of the namespace is asked of. What a value lacks that the reality began with, its chunks, can still be fetched. */
function withoutAddress(remotes: GitRemote): GitRemote {
  return {
    url: async () => null,
    listRefs: (remote, direction, patterns, options) => remotes.listRefs(remote, direction, patterns, options),
    fetch: (remote, direction, requests, options) => remotes.fetch(remote, direction, requests, options),
    fetchObjects: (remote, direction, oids, options) => remotes.fetchObjects(remote, direction, oids, options),
    push: (remote, updates, options) => remotes.push(remote, updates, options),
  };
}
