import type { Clock } from '../../../ports/clock.js';
import type { CloneCache } from '../../../ports/clone/clone-cache.js';

/** For so long is not looked again whether another process has kept something. Milliseconds. */
const FRESH_MS = 1000;

/** What a clone keeps, which is not read from the disk for every call: what other processes keep there is seen a second later. */
export function withCacheMemory(cache: CloneCache, clock: Clock): CloneCache {
  const known = new Map<string, { readonly text: string | null; readonly at: number }>();
  return {
    async get(name) {
      const now = clock.now();
      const last = known.get(name);
      if (last !== undefined && now - last.at < FRESH_MS && now >= last.at) return last.text;
      const text = await cache.get(name);
      known.set(name, { text, at: now });
      return text;
    },
    async put(name, text) {
      known.set(name, { text, at: clock.now() });
      await cache.put(name, text);
    },
  };
}
