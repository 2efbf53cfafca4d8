import { type GitObject, KvError, type ObjectFormat, type Oid } from '../../ports/index.js';
import { objectLinks } from '../../ports/grammar/git-words/object-links.js';
import type { RemoteSide } from './place.js';

/** What some objects reach at one end and the other end lacks: what that has, it has with all below. Throws `GIT_ERROR` for a hole. */
export async function lacking(
  from: Pick<RemoteSide, 'read'>,
  to: Pick<RemoteSide, 'read'>,
  tips: readonly Oid[],
  format: ObjectFormat,
): Promise<GitObject[]> {
  const found = new Map<Oid, GitObject>();
  for (let open = [...new Set(tips)]; open.length > 0; ) {
    const there = await to.read(open);
    const wanted = open.filter((oid, at) => there[at] === null && !found.has(oid));
    const objects = await from.read(wanted);
    const below = new Set<Oid>();
    for (const [at, object] of objects.entries()) {
      if (object === null) throw new KvError('GIT_ERROR', `there is no object ${wanted[at]} to send`);
      found.set(object.oid, object);
      for (const oid of objectLinks(object, format)) below.add(oid);
    }
    open = [...below];
  }
  return [...found.values()];
}
