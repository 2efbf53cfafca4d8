import { KvError } from '../../../ports/error.js';
import type { NewObject } from '../../../ports/git/git-store.js';
import type { ReadBounds } from '../../../ports/git/read-bounds.js';
import { commitParents } from '../../../ports/grammar/git-words/object-links.js';
import type { GitObject, ObjectFormat, Oid } from '../../../ports/vocabulary.js';
import { MODE_DIR, oidBytesIn, TreeCursor } from '../../git/tree/tree.js';
import type { TreeReader } from '../../git/tree/tree-draft.js';
import { readFacts } from '../objects/commit-object.js';
import { differing } from '../objects/differing.js';

/** How much still is little. */
export interface Few {
  readonly objects: number;
  /** Of all bodies. */
  readonly bytes: number;
  /** Commits one above the other; also how often the reader is asked for commits. */
  readonly depth: number;
}

/** As much as is packed in memory: what git would take a process for. */
export const FEW: Few = { objects: 2000, bytes: 2 * 1024 * 1024, depth: 100 };

const SUBMODULE = '160000';
const NO_TREE = new Uint8Array(0);

/**
 * What commits reach and others don't, where that is little: the commits between, and of each tree what its first parent's has not at the same
 * path, so that more may be given than is needed. Null where it is more, or where only a walk through all of history could tell. A level of
 * commits, or of trees, is one question. A tree is `like` what it is held against. Throws what the reader throws.
 */
export async function fewObjects(
  reader: TreeReader,
  format: ObjectFormat,
  want: readonly Oid[],
  have: readonly Oid[],
  few: Few = FEW,
): Promise<readonly NewObject[] | null> {
  try {
    return await new Walk(reader, format, few).from(want, new Set(have));
  } catch (error) {
    if (error === TOO_MANY || (KvError.is(error) && error.details?.['tooLarge'] !== undefined)) return null;
    throw error;
  }
}

const TOO_MANY = Symbol('there are more than a few');

/** A tree, and what it is held against. */
type Pair = readonly [tree: Oid, base: Oid | null];

class Walk {
  private readonly found = new Map<Oid, NewObject>();
  private bytes = 0;
  private readonly oidBytes: number;

  constructor(
    private readonly reader: TreeReader,
    format: ObjectFormat,
    private readonly few: Few,
  ) {
    this.oidBytes = oidBytesIn(format);
  }

  async from(want: readonly Oid[], have: ReadonlySet<Oid>): Promise<readonly NewObject[] | null> {
    const commits = await this.commits(want, have);
    const bases = new Map<Oid, Oid | null>();
    const parents = [...new Set(commits.flatMap((commit) => commitParents(commit).slice(0, 1)))];
    for (const parent of await this.read(parents.filter((oid) => !this.found.has(oid))))
      bases.set(parent.oid, parent.type === 'commit' ? readFacts(parent.body, parent.oid).tree : null);
    for (const { oid, body } of commits) bases.set(oid, readFacts(body, oid).tree);
    let level = commits.map(({ oid, body }): Pair => {
      const { tree, parents } = readFacts(body, oid);
      return [tree, parents[0] === undefined ? null : (bases.get(parents[0]) ?? null)];
    });
    const blobs = new Set<Oid>();
    while (level.length > 0) level = await this.trees(level, blobs);
    const left = [...blobs].filter((oid) => !this.found.has(oid));
    for (const blob of await this.read(left)) this.take(blob);
    return [...this.found.values()];
  }

  /** All commits that aren't known, and what else was wanted. */
  private async commits(want: readonly Oid[], have: ReadonlySet<Oid>): Promise<readonly GitObject[]> {
    const commits: GitObject[] = [];
    let open = [...new Set(want)].filter((oid) => !have.has(oid));
    for (let depth = 0; open.length > 0; depth++) {
      if (depth >= this.few.depth) throw TOO_MANY;
      const next = new Set<Oid>();
      for (const object of await this.read(open)) {
        this.take(object);
        if (object.type === 'tag' || object.type === 'tree') throw TOO_MANY; // git walks them
        if (object.type !== 'commit') continue;
        commits.push(object);
        for (const parent of commitParents(object)) if (!have.has(parent)) next.add(parent);
      }
      open = [...next].filter((oid) => !this.found.has(oid));
    }
    return commits;
  }

  /** What a level of trees has that their bases have not; gives the level below. */
  private async trees(level: readonly Pair[], blobs: Set<Oid>): Promise<Pair[]> {
    const pairs = new Map<Oid, Oid | null>();
    for (const [tree, base] of level) if (tree !== base && !this.found.has(tree) && !pairs.has(tree)) pairs.set(tree, base);
    const bodies = new Map<Oid, Uint8Array>();
    const asked = [...new Set([...pairs].flatMap(([tree, base]) => (base === null ? [tree] : [tree, base])))];
    for (const object of await this.read(asked)) {
      if (object.type === 'tree') bodies.set(object.oid, object.body);
      const base = pairs.get(object.oid);
      if (base !== undefined) this.take(base === null ? object : { ...object, like: base });
    }
    const below: Pair[] = [];
    for (const [tree, base] of pairs) {
      const left = new TreeCursor((base === null ? undefined : bodies.get(base)) ?? NO_TREE, this.oidBytes);
      const right = new TreeCursor(bodies.get(tree) ?? NO_TREE, this.oidBytes);
      for (const { at, before } of differing(left, right)) {
        if (at.mode === SUBMODULE) continue;
        if (at.mode === MODE_DIR) below.push([at.oid(), before?.mode === MODE_DIR ? before.oid() : null]);
        else blobs.add(at.oid());
      }
    }
    return below;
  }

  private take(object: NewObject): void {
    this.found.set(object.oid, object);
    this.bytes += object.body.length;
    if (this.found.size > this.few.objects || this.bytes > this.few.bytes) throw TOO_MANY;
  }

  private async read(oids: readonly Oid[]): Promise<readonly GitObject[]> {
    if (oids.length === 0) return [];
    const { bytes, objects } = this.few;
    if (oids.length > objects) throw TOO_MANY;
    const bounds: ReadBounds = { objects: { commit: bytes, tree: bytes, blob: bytes, tag: bytes }, together: 2 * bytes };
    const read = await this.reader.read(oids, bounds);
    return read.map((object, at) => {
      if (object !== null) return object;
      throw new KvError('GIT_ERROR', `object ${oids[at] ?? ''} is not here`);
    });
  }
}
