import type { GitStore } from '../../ports/git/git-store.js';
import type { ReadBounds } from '../../ports/git/read-bounds.js';
import type { GitObject, Oid } from '../../ports/vocabulary.js';
import { oidBytesIn, TreeCursor } from './tree/tree.js';
import { Generations } from './generations.js';
import { replacing } from './store-view.js';

/** How much is remembered unless told otherwise: the trees of some thousands of keys. Bytes, estimated. */
const MOST_BYTES = 32 * 1024 * 1024;
/** What is larger is read again each time. Bytes. */
const LARGEST = 256 * 1024;
/** What an object costs besides its body. Bytes. */
const OVERHEAD = 200;
/** What a tree's entries cost by name, beside its body: so many times the body. */
const MAP_COST = 4;
/** Names as a ledger has them; of others, a tree's bytes are not their letters. */
const PLAIN = /^[\x21-\x7e]*$/;
const SUBMODULE = '160000';

/** A tree's entries by name. */
type Entries = ReadonlyMap<string, Oid>;

interface Kept {
  readonly object: GitObject;
  /** A tree's; made when they are first looked up. */
  entries?: Entries;
}

/**
 * A store that remembers commits and trees: an id names the same object for ever. Paths are followed through what is remembered, so that
 * reading a key whose trees are known is one question for its blobs. What was not used for long is forgotten first. What is damaged on the
 * disk after it was read is not noticed: whoever verifies reads from the store below. Refs and blobs are not remembered.
 */
export function withObjectMemory(store: GitStore, mostBytes = MOST_BYTES): GitStore {
  const memory = new ObjectMemory(mostBytes, oidBytesIn(store.objectFormat));
  let closed = false; // from then on, the store itself says so
  const own: Pick<GitStore, 'read' | 'readPaths' | 'close'> = {
    read: (oids, bounds) => (closed ? store.read(oids, bounds) : memory.read(store, oids, bounds)),
    readPaths: (root, paths, bounds) =>
      closed ? store.readPaths(root, paths, bounds) : memory.readPaths(store, root, paths, bounds),
    close() {
      closed = true;
      return store.close();
    },
  };
  return replacing(store, own);
}

class ObjectMemory {
  private readonly kept: Generations<Oid, Kept>;

  constructor(
    mostBytes: number,
    private readonly oidBytes: number,
  ) {
    this.kept = new Generations(() => mostBytes, weightOf);
  }

  async read(store: GitStore, oids: readonly Oid[], bounds?: ReadBounds): Promise<(GitObject | null)[]> {
    const found = oids.map((oid) => this.kept.get(oid)?.object ?? null);
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

  async readPaths(store: GitStore, root: Oid, paths: readonly string[], bounds?: ReadBounds): Promise<(GitObject | null)[]> {
    if (!paths.every((path) => PLAIN.test(path))) return store.readPaths(root, paths, bounds);
    const [top] = await this.read(store, [root], bounds);
    const start = top?.type === 'commit' ? treeOf(top) : top ? root : null;
    const ways = paths.map((path) => ({ at: start, names: path === '' ? [] : path.split('/'), depth: 0 }));
    const trees = new Map<Oid, Entries>();
    for (;;) {
      const unknown = new Set<Oid>();
      for (const way of ways) {
        while (way.at !== null && way.depth < way.names.length) {
          const entries = trees.get(way.at) ?? this.entries(way.at);
          if (entries === undefined) {
            unknown.add(way.at);
            break;
          }
          way.at = entries.get(way.names[way.depth++] as string) ?? null;
        }
      }
      if (unknown.size === 0) break;
      // A level of them at a time, for all paths together.
      const oids = [...unknown];
      const objects = await this.read(store, oids, bounds);
      for (const [i, oid] of oids.entries()) trees.set(oid, this.entries(oid) ?? entriesOf(objects[i] ?? null, this.oidBytes));
    }
    const wanted = ways.flatMap(({ at }) => (at === null ? [] : [at]));
    const objects = wanted.length === 0 ? [] : await this.read(store, wanted, bounds);
    let next = 0;
    return ways.map(({ at }) => (at === null ? null : (objects[next++] ?? null)));
  }

  /** A tree's entries, where it is remembered. */
  private entries(oid: Oid): Entries | undefined {
    const kept = this.kept.get(oid);
    if (kept === undefined) return undefined;
    if (kept.entries === undefined) {
      kept.entries = entriesOf(kept.object, this.oidBytes);
      this.kept.weigh(kept.object.body.length * MAP_COST);
    }
    return kept.entries;
  }

  private keep(object: GitObject): void {
    if ((object.type !== 'commit' && object.type !== 'tree') || object.body.length > LARGEST) return;
    // A body may be a view of a buffer that is many times as large.
    this.kept.set(object.oid, { object: { ...object, body: new Uint8Array(object.body) } });
  }
}

const weightOf = ({ object, entries }: Kept): number =>
  OVERHEAD + object.body.length * (entries === undefined ? 1 : 1 + MAP_COST);

/** What a tree has, by name; nothing where it is none. */
function entriesOf(object: GitObject | null, oidBytes: number): Entries {
  const entries = new Map<string, Oid>();
  if (object?.type !== 'tree') return entries;
  const cursor = new TreeCursor(object.body, oidBytes);
  while (cursor.next()) if (cursor.mode !== SUBMODULE) entries.set(cursor.name, cursor.oid());
  return entries;
}

/** The tree of a commit; its id stands in the first line. */
function treeOf({ body }: GitObject): Oid | null {
  let line = '';
  for (let i = 0; i < body.length && body[i] !== 0x0a && i < 80; i++) line += String.fromCharCode(body[i] as number);
  return /^tree ([0-9a-f]+)$/.exec(line)?.[1] ?? null;
}
