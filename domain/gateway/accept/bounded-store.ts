import { KvError } from '../../../ports/error.js';
import type { GitStore } from '../../../ports/git-store.js';
import type { GitObject, ObjectType, Oid } from '../../../ports/vocabulary.js';

/**
 * What an object of a push may take when it is opened, bytes. A pack of a few kilobytes can hold objects of gigabytes, so a size is
 * asked for before a body is read. A ledger's commits and trees stay far below.
 */
const LIMITS: Readonly<Record<ObjectType, number>> = {
  commit: 64 * 1024,
  tree: 64 * 1024 * 1024,
  blob: 64 * 1024 * 1024,
  tag: 64 * 1024,
};
/** All that one request may bring into memory. */
const TOGETHER = 512 * 1024 * 1024;

/** A store that refuses to open what would fill the memory: `POLICY_VIOLATION` naming the object. Passes everything else on. */
export function boundedStore(store: GitStore): GitStore {
  const read = async (oids: readonly Oid[]): Promise<(GitObject | null)[]> => {
    let together = 0;
    for (const header of await store.headers(oids)) {
      if (header === null) continue;
      together += header.size;
      if (header.size > LIMITS[header.type]) throw tooLarge(`${header.type} ${header.oid}`, header.size, LIMITS[header.type]);
      if (together > TOGETHER) throw tooLarge('what the push changes', together, TOGETHER);
    }
    return store.read(oids);
  };
  return new Proxy(store, {
    get(target, name) {
      if (name === 'read') return read;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

function tooLarge(what: string, size: number, limit: number): KvError {
  return new KvError('POLICY_VIOLATION', `${what} has ${size} bytes, more than the ${limit} that a push may have checked`, {
    hint: 'write through a client of git-kv, and less at a time',
    advice: { id: 'write-less' },
  });
}
