import { KvError } from '../../../ports/error.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { GitObject, ObjectType, Oid } from '../../../ports/vocabulary.js';
import { replacing } from '../../git/store-view.js';
import type { CheckShare } from '../limits/check-budget.js';

/** Requests that are held at a time: one is looked through while the next is read. */
const AT_A_TIME = 2;
/** A commit stays opened, as text and in its parts, as long as the push is checked: so many times its bytes. */
const OPENED = 3;

/**
 * A store that refuses to open what would fill the memory: a pack of a few kilobytes can hold objects of gigabytes, so a size is asked
 * for before a body is read. `POLICY_VIOLATION` for an object that is larger than its type's in `most`; what is read is charged to the
 * push's share. Passes everything else on.
 */
export function boundedStore(
  store: GitStore,
  most: Readonly<Record<ObjectType, number>>,
  share: Pick<CheckShare, 'charge'>,
): GitStore {
  let requests = 0;
  let commits = 0;
  const read = async (oids: readonly Oid[]): Promise<(GitObject | null)[]> => {
    let together = 0;
    for (const header of await store.headers(oids)) {
      if (header === null) continue;
      const { type, oid, size } = header;
      if (size > most[type]) throw tooLarge(`${type} ${oid}`, size, most[type]);
      if (type === 'commit') commits += OPENED * size;
      else together += size;
    }
    await share.charge('commits', commits);
    await share.charge(`request ${requests++ % AT_A_TIME}`, together);
    return store.read(oids);
  };
  return replacing(store, { read });
}

function tooLarge(what: string, size: number, limit: number): KvError {
  return new KvError('POLICY_VIOLATION', `${what} has ${size} bytes, more than the ${limit} that a push may have checked`, {
    hint: 'write through a client of git-kv, and less at a time',
    advice: { id: 'write-less' },
  });
}
