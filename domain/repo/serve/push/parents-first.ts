import type { NewObject } from '../../../../ports/git/git-store.js';
import type { Oid } from '../../../../ports/vocabulary.js';

/** The commits of a push that these lead to, each after its parents, whatever order they came in; `read` parses one. */
export function* parentsFirst<C extends { readonly parents: readonly Oid[] }>(
  pushed: ReadonlyMap<Oid, NewObject>,
  tips: Iterable<Oid>,
  read: (body: Uint8Array, oid: Oid) => C,
): Generator<C> {
  const done = new Set<Oid>();
  for (const tip of tips) {
    const open: [oid: Oid, isReady: boolean][] = [[tip, false]];
    for (let one = open.pop(); one !== undefined; one = open.pop()) {
      const [oid, isReady] = one;
      const object = pushed.get(oid);
      if (object?.type !== 'commit' || (done.has(oid) && !isReady)) continue;
      const commit = read(object.body, oid);
      if (isReady) yield commit;
      else {
        done.add(oid);
        open.push([oid, true], ...commit.parents.map((parent): [Oid, boolean] => [parent, false]));
      }
    }
  }
}
