import type { FetchRecord } from '../../../ports/git/fetch-record.js';

/** A record of fetches that knows this process's own without looking, and looks for those of others before it has any. */
export function withFetchMemory(record: FetchRecord): FetchRecord {
  const known = new Map<string, number>();
  const writing = new Set<string>();
  return {
    async lastFetch(remote, direction, key) {
      return known.get(`${remote} ${direction} ${key}`) ?? record.lastFetch(remote, direction, key);
    },
    async markFetched(remote, direction, key, at) {
      const what = `${remote} ${direction} ${key}`;
      known.set(what, at);
      // Many calls may have shared one fetch.
      if (writing.has(what)) return;
      writing.add(what);
      try {
        await record.markFetched(remote, direction, key, at);
      } finally {
        writing.delete(what);
      }
    },
  };
}
