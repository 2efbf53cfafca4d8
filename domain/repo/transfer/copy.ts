import { KvError } from '../../../ports/error.js';
import type { GitStore, NewObject } from '../../../ports/git/git-store.js';
import type { GitObject, Oid, RefName } from '../../../ports/vocabulary.js';
import { oidBytesIn } from '../../git/tree/tree.js';
import { childrenOf } from '../objects/children.js';

/** Objects that are read at a time. */
const TOGETHER = 256;

/** All objects that these reach, each once, with the objects themselves. Throws `GIT_ERROR` for one that is missing. */
export async function* reachableObjects(
  from: Pick<GitStore, 'read' | 'objectFormat'>,
  tips: Iterable<Oid>,
): AsyncGenerator<GitObject> {
  const seen = new Set<Oid>(tips);
  const open = [...seen];
  while (open.length > 0) {
    const some = open.splice(Math.max(0, open.length - TOGETHER));
    const objects = await from.read(some);
    for (const [i, object] of objects.entries()) {
      if (object === null)
        throw new KvError('GIT_ERROR', `object ${some[i]} is missing`, {
          hint: 'the repository that is copied is damaged, or shallow',
        });
      for (const child of childrenOf(object, oidBytesIn(from.objectFormat))) {
        if (seen.has(child)) continue;
        seen.add(child);
        open.push(child);
      }
      yield object;
    }
  }
}

/**
 * Copies refs and all that they reach from one repository to another: an import, or an export. Refs of the other that have the same names
 * are moved, whatever they were; others stay. Gives the refs. Throws `NOT_SUPPORTED` where ids are of another hash.
 */
export async function copyRefs(
  from: GitStore,
  to: GitStore,
  patterns: readonly string[] = ['refs/heads/', 'refs/tags/'],
): Promise<ReadonlyMap<RefName, Oid>> {
  if (from.objectFormat !== to.objectFormat)
    throw new KvError('NOT_SUPPORTED', `a repository of ${from.objectFormat} ids can't become one of ${to.objectFormat}`);
  const refs = await from.refs(patterns);
  const before = await to.refs([...refs.keys()]);
  await to.write(lacking(reachableObjects(from, new Set(refs.values())), to));
  const updates = [...refs]
    .map(([ref, next]) => ({ ref, old: before.get(ref) ?? null, next }))
    .filter(({ old, next }) => old !== next);
  if (updates.length > 0) await to.updateRefs(updates, 'copy');
  const head = await from.head?.();
  if (head !== undefined && (head.startsWith('refs/') ? refs.has(head) : true)) await to.setHead?.(head);
  return refs;
}

async function* lacking(objects: AsyncIterable<GitObject>, to: Pick<GitStore, 'headers'>): AsyncGenerator<NewObject> {
  let some: GitObject[] = [];
  const flush = async function* (): AsyncGenerator<NewObject> {
    const there = await to.headers(some.map(({ oid }) => oid));
    for (const [i, object] of some.entries()) if (there[i] === null) yield object;
    some = [];
  };
  for await (const object of objects) {
    some.push(object);
    if (some.length >= TOGETHER) yield* flush();
  }
  yield* flush();
}
