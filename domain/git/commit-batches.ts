import type { GitStore, HistoryQuery } from '../../ports/git/git-store.js';
import type { GitObject, Oid } from '../../ports/vocabulary.js';

/** So many are read at once: enough that asking costs nothing beside reading, and few enough to be in memory. */
const BATCH = 2000;

/** The commits of a history, newest first, many at a time; null for one that is missing. */
export async function* commitBatches(
  store: Pick<GitStore, 'history' | 'read'>,
  query: HistoryQuery,
): AsyncGenerator<readonly (GitObject | null)[]> {
  let oids: Oid[] = [];
  for await (const oid of store.history(query)) {
    oids.push(oid);
    if (oids.length < BATCH) continue;
    yield await store.read(oids);
    oids = [];
  }
  if (oids.length > 0) yield await store.read(oids);
}
