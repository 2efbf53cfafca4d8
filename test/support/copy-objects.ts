import { decodeCommit } from '../../domain/git/commit.js';
import { oidBytesIn, readTree } from '../../domain/git/tree.js';
import { KvError } from '../../ports/error.js';
import type { GitStore } from '../../ports/git-store.js';
import type { GitObject, ObjectFormat, Oid } from '../../ports/vocabulary.js';

/** A submodule's commit: it is in another repository. */
const GITLINK = '160000';

/**
 * Copies what the tips reach in one store and another lacks, as a push does: what the other has, it has with all below. Gives what it
 * copied. Throws `GIT_ERROR` for an object that neither has.
 */
export async function copyReachable(from: GitStore, to: GitStore, tips: Iterable<Oid>): Promise<GitObject[]> {
  const found = new Map<Oid, GitObject>();
  for (let open = [...new Set(tips)]; open.length > 0; ) {
    const there = await to.headers(open);
    const wanted = open.filter((oid, at) => there[at] === null && !found.has(oid));
    const objects = await from.read(wanted);
    for (const [at, object] of objects.entries()) {
      if (object === null) throw new KvError('GIT_ERROR', `there is no object ${wanted[at]}`);
      found.set(object.oid, object);
    }
    open = [...new Set(objects.flatMap((object) => (object === null ? [] : links(object, from.objectFormat))))];
  }
  const all = [...found.values()];
  await to.write(all);
  return all;
}

function links(object: GitObject, format: ObjectFormat): Oid[] {
  if (object.type === 'commit') {
    const { tree, parents } = decodeCommit(object.body, object.oid, format);
    return [tree, ...parents];
  }
  if (object.type !== 'tree') return [];
  const entries = readTree(object.body, oidBytesIn(format));
  return entries.filter(({ mode }) => mode !== GITLINK).map(({ oid }) => oid);
}
