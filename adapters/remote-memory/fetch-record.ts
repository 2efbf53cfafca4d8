import type { Direction, FetchRecord } from '../../ports/index.js';

/** A record that ends with the process; those that are opened on the same map see each other's. */
export function openMemoryFetchRecord(times = new Map<string, number>()): FetchRecord {
  const keyOf = (remote: string, direction: Direction, key: string): string => JSON.stringify([remote, direction, key]);
  return {
    lastFetch: async (remote, direction, key) => times.get(keyOf(remote, direction, key)) ?? null,
    async markFetched(remote, direction, key, at) {
      times.set(keyOf(remote, direction, key), at);
    },
  };
}
