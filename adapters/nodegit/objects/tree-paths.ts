import { KvError } from '../../../ports/error.js';
import type { ReadBounds } from '../../../ports/git/read-bounds.js';
import type { GitObject, Oid } from '../../../ports/vocabulary.js';
import type { ObjectReader } from './reader.js';

const SUBMODULE = '160000';
const TREE = '40000';
const ID = 20;

/** What a tree has under a name. */
export interface TreeEntry {
  readonly oid: Oid;
  readonly isTree: boolean;
}

/** Reads the objects at paths below a commit, a tag of one, or a tree; the trees of a level in one read. */
export async function readPaths(
  reader: ObjectReader,
  root: Oid,
  paths: readonly string[],
  bounds?: ReadBounds,
): Promise<(GitObject | null)[]> {
  // Trees on the way are held one level at a time; what is asked for is held together.
  const onTheWay = bounds && { objects: bounds.objects, together: Number.POSITIVE_INFINITY };
  const ids = await idsAt(reader, root, paths, onTheWay);
  const there = ids.flatMap((oid) => (oid === null ? [] : [oid]));
  const objects = await reader.read(there, bounds);
  let at = 0;
  return ids.map((oid) => (oid === null ? null : (objects[at++] ?? null)));
}

async function idsAt(reader: ObjectReader, root: Oid, paths: readonly string[], bounds?: ReadBounds): Promise<(Oid | null)[]> {
  const top = await treeOf(reader, root, bounds);
  const found: (Oid | null)[] = paths.map(() => top);
  const names = paths.map((path) => (path === '' ? [] : path.split('/')));
  for (let depth = 0; ; depth++) {
    const open = paths.flatMap((_, i) => (found[i] !== null && depth < (names[i] as string[]).length ? [i] : []));
    if (open.length === 0) return found;
    const wanted = new Map<Oid, Set<string>>();
    for (const i of open) {
      const [tree, name] = [found[i] as Oid, names[i]?.[depth] as string];
      wanted.set(tree, (wanted.get(tree) ?? new Set()).add(name));
    }
    const trees = await reader.read([...wanted.keys()], bounds);
    const entries = new Map([...wanted].map(([oid, some], i) => [oid, entriesOf(trees[i] ?? null, some)]));
    for (const i of open) {
      const path = names[i] as string[];
      const entry = entries.get(found[i] as Oid)?.get(path[depth] as string);
      const usable = entry !== undefined && (entry.isTree || depth === path.length - 1); // a file has nothing below it
      found[i] = usable ? entry.oid : null;
    }
  }
}

/** The tree of a commit, of what a tag points to, or the tree itself; null for anything else, and for what isn't there. */
async function treeOf(reader: ObjectReader, root: Oid, bounds?: ReadBounds): Promise<Oid | null> {
  for (let oid = root; ; ) {
    const [object] = await reader.read([oid], bounds);
    if (object?.type === 'tree') return object.oid;
    if (object?.type !== 'commit' && object?.type !== 'tag') return null;
    const next = /^(?:tree|object) ([0-9a-f]{40})\n/.exec(Buffer.from(object.body.subarray(0, 80)).toString('latin1'))?.[1];
    if (next === undefined) throw new KvError('GIT_ERROR', `${object.type} ${object.oid} is malformed`);
    oid = next;
  }
}

/** The entries of a tree under some names; none for what is no tree. Throws `GIT_ERROR` for one that is cut short. */
export function entriesOf(object: GitObject | null, names: ReadonlySet<string>): Map<string, TreeEntry> {
  const entries = new Map<string, TreeEntry>();
  if (object?.type !== 'tree') return entries;
  const body = Buffer.from(object.body.buffer, object.body.byteOffset, object.body.byteLength);
  for (let at = 0; at < body.length && entries.size < names.size; ) {
    const space = body.indexOf(0x20, at);
    const nul = body.indexOf(0, space);
    const next = nul + 1 + ID;
    if (space < 0 || nul < 0 || next > body.length) throw new KvError('GIT_ERROR', `tree ${object.oid} is malformed`);
    const name = body.toString('utf8', space + 1, nul);
    if (names.has(name)) {
      const mode = body.toString('latin1', at, space);
      if (mode !== SUBMODULE) entries.set(name, { oid: body.toString('hex', nul + 1, next), isTree: mode === TREE });
    }
    at = next;
  }
  return entries;
}
