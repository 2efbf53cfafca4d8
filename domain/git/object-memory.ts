import type { GitStore } from '../../ports/git-store.js';
import type { ReadBounds } from '../../ports/read-bounds.js';
import type { GitObject, Oid } from '../../ports/vocabulary.js';
import { TreeCursor, oidBytesIn } from './tree.js';

/** How much is remembered unless told otherwise: the trees of some thousands of keys. Bytes of object bodies. */
const MOST_BYTES = 16 * 1024 * 1024;
/** What is larger is read again each time. Bytes. */
const LARGEST = 256 * 1024;
/** What an object costs besides its body. Bytes. */
const OVERHEAD = 200;
/** What a tree's entries cost by name, beside its body: so many times the body. */
const MAP_COST = 4;
/** Names as a ledger has them; of others, a tree's bytes are not their letters. */
const PLAIN = /^[\x21-\x7e]*$/;

interface Kept {
  readonly object: GitObject;
  /** A tree's entries, by name; made when they are first looked up. */
  entries?: ReadonlyMap<string, Oid>;
}

/**
 * A store that remembers commits and trees: an id names the same object for ever. Paths are followed through what is remembered, so that
 * reading a key whose trees are known is one question for its blobs. The least recently used is forgotten first. What is damaged on the
 * disk after it was read is not noticed: whoever verifies reads from the store below. Refs and blobs are not remembered.
 */
export function withObjectMemory(store: GitStore, mostBytes = MOST_BYTES): GitStore {
  const memory = new ObjectMemory(mostBytes, oidBytesIn(store.objectFormat));
  const own: Pick<GitStore, 'read' | 'readPaths'> = {
    read: (oids, bounds) => memory.read(store, oids, bounds),
    readPaths: (root, paths, bounds) => memory.readPaths(store, root, paths, bounds),
  };
  return new Proxy(store, {
    get(target, name) {
      if (name === 'read' || name === 'readPaths') return own[name];
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

class ObjectMemory {
  /** In the order of their last use. */
  private readonly kept = new Map<Oid, Kept>();
  private bytes = 0;

  constructor(
    private readonly mostBytes: number,
    private readonly oidBytes: number,
  ) {}

  async read(store: GitStore, oids: readonly Oid[], bounds?: ReadBounds): Promise<(GitObject | null)[]> {
    const found = oids.map((oid) => this.use(oid)?.object ?? null);
    const unknown = oids.filter((_, i) => found[i] === null);
    if (unknown.length === 0) return found;
    const read = await store.read(unknown, bounds);
    let at = 0;
    for (const [i, known] of found.entries()) {
      if (known !== null) continue;
      const object = read[at++] ?? null;
      found[i] = object;
      if (object !== null && object.oid === oids[i]) this.keep(object);
    }
    return found;
  }

  /** A level of trees at a time, for all paths together. */
  async readPaths(store: GitStore, root: Oid, paths: readonly string[], bounds?: ReadBounds): Promise<(GitObject | null)[]> {
    if (!paths.every((path) => PLAIN.test(path))) return store.readPaths(root, paths, bounds);
    const names = paths.map((path) => (path === '' ? [] : path.split('/')));
    const [top] = await this.read(store, [root], bounds);
    const start = top?.type === 'commit' ? treeOf(top) : root;
    const places: (Oid | null)[] = names.map(() => (top ? start : null));
    for (let depth = 0; ; depth++) {
      const open = names.flatMap((path, i) => (places[i] !== null && path.length > depth ? [i] : []));
      if (open.length === 0) break;
      const trees = [...new Set(open.map((i) => places[i] as Oid))];
      const objects = await this.read(store, trees, bounds);
      const entriesOf = new Map(trees.map((oid, i) => [oid, this.entriesOf(objects[i] ?? null)]));
      for (const i of open) places[i] = entriesOf.get(places[i] as Oid)?.get(names[i]?.[depth] as string) ?? null;
    }
    const wanted = places.filter((oid) => oid !== null);
    const objects = wanted.length === 0 ? [] : await this.read(store, wanted, bounds);
    let at = 0;
    return places.map((oid) => (oid === null ? null : (objects[at++] ?? null)));
  }

  /** What a tree has, by name; nothing where it is none. */
  private entriesOf(object: GitObject | null): ReadonlyMap<string, Oid> {
    if (object?.type !== 'tree') return new Map();
    const kept = this.kept.get(object.oid);
    if (kept?.entries !== undefined) return kept.entries;
    const entries = new Map<string, Oid>();
    const cursor = new TreeCursor(object.body, this.oidBytes);
    while (cursor.next()) if (cursor.mode !== SUBMODULE) entries.set(cursor.name, cursor.oid());
    if (kept !== undefined) {
      kept.entries = entries;
      this.weigh(object.body.length * MAP_COST);
    }
    return entries;
  }

  private use(oid: Oid): Kept | undefined {
    const kept = this.kept.get(oid);
    if (kept === undefined) return undefined;
    this.kept.delete(oid);
    this.kept.set(oid, kept);
    return kept;
  }

  private keep(object: GitObject): void {
    if ((object.type !== 'commit' && object.type !== 'tree') || object.body.length > LARGEST || this.kept.has(object.oid)) return;
    // A body may be a view of a buffer that is many times as large.
    this.kept.set(object.oid, { object: { ...object, body: object.body.slice() } });
    this.weigh(object.body.length + OVERHEAD);
  }

  private weigh(more: number): void {
    this.bytes += more;
    for (const [oid, { object, entries }] of this.kept) {
      if (this.bytes <= this.mostBytes) return;
      this.kept.delete(oid);
      this.bytes -= object.body.length + OVERHEAD + (entries === undefined ? 0 : object.body.length * MAP_COST);
    }
  }
}

const SUBMODULE = '160000';

/** The tree of a commit; its id stands in the first line. */
function treeOf({ body }: GitObject): Oid | null {
  let line = '';
  for (let i = 0; i < body.length && body[i] !== 0x0a && i < 80; i++) line += String.fromCharCode(body[i] as number);
  return /^tree ([0-9a-f]+)$/.exec(line)?.[1] ?? null;
}
