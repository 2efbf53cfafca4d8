import { KvError } from '../../../ports/error.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { GitObject, ObjectHeader, Oid } from '../../../ports/vocabulary.js';
import type { ObjectNamer } from '../../git/object.js';
import { decodeCommit } from '../../git/commit.js';
import { findEntry, oidBytesIn } from '../../git/tree/tree.js';
import type { Findings } from './findings.js';

/**
 * A store whose objects are what their ids say: every body is hashed again, since git itself does so only when it is asked to
 * (fsck). A damaged object is a fault, once, and reads as one that is missing. A damaged file ends `git cat-file`, and so the
 * whole request: it is then halved until the object is found. Reads only.
 */
export function soundStore(store: GitStore, namer: ObjectNamer, findings: Findings): GitStore {
  const damaged = new Set<Oid>();
  const oidBytes = oidBytesIn(store.objectFormat);

  const report = (oid: Oid, what: string): null => {
    if (!damaged.has(oid)) findings.fault(`object ${oid} ${what}`, { object: oid }, 'GIT_ERROR');
    damaged.add(oid);
    return null;
  };

  const ask = async <T extends GitObject | ObjectHeader>(
    oids: readonly Oid[],
    read: (oids: readonly Oid[]) => Promise<(T | null)[]>,
  ): Promise<(T | null)[]> => {
    try {
      return await read(oids);
    } catch (error) {
      const large = KvError.is(error) && error.details?.['tooLarge'] !== undefined;
      if (!KvError.is(error) || (error.code !== 'GIT_ERROR' && !large)) throw error;
      if (oids.length === 1)
        return [report(oids[0] as Oid, large ? `is not read: ${error.message}` : 'is damaged: git cannot read it')];
      const half = Math.ceil(oids.length / 2);
      return [...(await ask(oids.slice(0, half), read)), ...(await ask(oids.slice(half), read))];
    }
  };

  const read = async (oids: readonly Oid[]): Promise<(GitObject | null)[]> => {
    const objects = await ask(oids, (some) => store.read(some));
    return objects.map((object) => {
      if (object === null || namer.oid(object.type, object.body) === object.oid) return object;
      return report(object.oid, 'is damaged: its content is not what its id says');
    });
  };

  const readPath = async (root: Oid, path: string): Promise<GitObject | null> => {
    let [object] = await read([root]);
    if (object?.type === 'commit') [object] = await read([decodeCommit(object.body, root, store.objectFormat).tree]);
    for (const name of path.split('/')) {
      if (object?.type !== 'tree') return null;
      const entry = findEntry(object.body, oidBytes, name);
      if (entry === undefined) return null;
      [object] = await read([entry.oid]);
    }
    return object ?? null;
  };

  const refuse = (): never => {
    throw new KvError('UNEXPECTED', 'a verification tried to write');
  };
  return {
    capabilities: store.capabilities,
    objectFormat: store.objectFormat,
    read,
    headers: (oids) => ask(oids, (some) => store.headers(some)),
    readPaths: async (root, paths) => {
      const found: (GitObject | null)[] = [];
      for (const path of paths) found.push(await readPath(root, path));
      return found;
    },
    write: refuse,
    updateRefs: refuse,
    openQuarantine: refuse,
    refs: (patterns) => store.refs(patterns),
    isAncestor: (ancestor, descendant) => store.isAncestor(ancestor, descendant),
    history: (query) => store.history(query),
    close: async () => undefined,
  };
}
