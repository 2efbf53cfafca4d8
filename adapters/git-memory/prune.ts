import type { Oid } from '../../ports/vocabulary.js';
import type { MemoryObjects } from './objects.js';
import { parseCommit, parseTag, parseTree } from './parse.js';

/** Objects that are looked at between two turns of the event loop. */
const A_TURN = 20_000;

/** Drops the objects that these don't reach; gives the bytes. What is missing is nobody's fault here. */
export async function prune(objects: MemoryObjects, roots: Iterable<Oid>): Promise<number> {
  const reached = new Set<Oid>();
  const open = [...roots];
  for (let oid = open.pop(); oid !== undefined; oid = open.pop()) {
    if (reached.has(oid)) continue;
    reached.add(oid);
    if (reached.size % A_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
    const object = objects.get(oid);
    if (object?.type === 'commit') {
      const { tree, parents } = parseCommit(object.body);
      open.push(tree, ...parents);
    } else if (object?.type === 'tree') {
      for (const child of parseTree(object.body, objects.format).values()) if (!reached.has(child)) open.push(child);
    } else if (object?.type === 'tag') {
      open.push(parseTag(object.body));
    }
  }
  const gone: Oid[] = [];
  for (const oid of objects.ownIds()) if (!reached.has(oid)) gone.push(oid);
  return gone.reduce((freed, oid) => freed + objects.drop(oid), 0);
}
