import type { GitStore, NewObject } from '../../../ports/git/git-store.js';
import type { Oid } from '../../../ports/vocabulary.js';

/** A store for what passes through: objects are kept for as long as a call that has written them is under way. */
export class PassingStore {
  private readonly users = new Map<Oid, number>();

  constructor(private readonly store: GitStore) {}

  /** The store for one call, which has to `leave` in the end. */
  enter(): { readonly store: GitStore; leave(): void } {
    const { store, users } = this;
    const own = new Set<Oid>();
    const keep = async function* (objects: Iterable<NewObject> | AsyncIterable<NewObject>): AsyncGenerator<NewObject> {
      for await (const object of objects) {
        if (!own.has(object.oid)) users.set(object.oid, (users.get(object.oid) ?? 0) + 1);
        own.add(object.oid);
        yield object;
      }
    };
    const view: GitStore = Object.assign(Object.create(store) as GitStore, {
      write: (objects: Iterable<NewObject> | AsyncIterable<NewObject>) => store.write(keep(objects)),
    });
    return {
      store: view,
      leave() {
        const unused: Oid[] = [];
        for (const oid of own) {
          const left = (users.get(oid) ?? 1) - 1;
          if (left > 0) users.set(oid, left);
          else {
            users.delete(oid);
            unused.push(oid);
          }
        }
        store.forget?.(unused);
      },
    };
  }
}
