import type { GitStore } from '../../ports/git/git-store.js';

/** The same store, but for some of its methods. */
export function replacing(store: GitStore, methods: Partial<GitStore>): GitStore {
  return new Proxy(store, {
    get(target, name) {
      const own: unknown = Reflect.get(methods, name);
      if (own !== undefined) return own;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
