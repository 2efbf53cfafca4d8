import { KvError } from '../../ports/error.js';
import type { NewObject } from '../../ports/git/git-store.js';
import type { GitObject, ObjectFormat, Oid } from '../../ports/vocabulary.js';
import { Allowance } from './allowance.js';
import { ObjectTable } from './object-table.js';
import { parseCommit, parseTag, parseTree } from './parse.js';
import type { CommitFacts } from './parse.js';

/** The empty tree's id. Git knows that object in every repository, whether anybody wrote it or not; so nobody does. */
const EMPTY_TREE: Readonly<Record<ObjectFormat, Oid>> = {
  sha1: '4b825dc642cb6eb9a060e54bf8d69288fbee4904',
  sha256: '6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321',
};

/** What an object takes besides its body, at the most: its id, type and length, and four places of the table; bytes. */
const AN_OBJECT = 64;

/** The bytes that an object is counted as. */
const sizeOf = (object: { readonly body: Uint8Array }): number => object.body.length + AN_OBJECT;

/** Objects in a table, in front of others where there are some, and the walks over them. */
export class MemoryObjects {
  private readonly objects: ObjectTable;
  private readonly empty: GitObject;

  constructor(
    readonly format: ObjectFormat,
    private readonly behind: MemoryObjects | null = null,
    readonly allowance: Allowance = behind?.allowance ?? new Allowance(),
  ) {
    this.objects = new ObjectTable(format);
    this.empty = { oid: EMPTY_TREE[format], type: 'tree', body: new Uint8Array(0) };
  }

  get(oid: Oid): GitObject | null {
    return this.objects.get(oid) ?? this.behind?.get(oid) ?? (oid === this.empty.oid ? this.empty : null);
  }

  has(oid: Oid): boolean {
    return this.objects.has(oid) || this.behind?.has(oid) === true || oid === this.empty.oid;
  }

  /** The objects that were put here, without those of the repository behind. */
  own(): Iterable<GitObject> {
    return this.objects;
  }

  /** Their ids. */
  ownIds(): Iterable<Oid> {
    return this.objects.ids();
  }

  /** Bytes that `put` would count for these. */
  lacking(objects: Iterable<NewObject>): number {
    let bytes = 0;
    for (const object of objects) if (!this.objects.has(object.oid)) bytes += sizeOf(object);
    return bytes;
  }

  /** Takes objects in, all or none. Throws `STORAGE_FULL`. */
  put(objects: readonly NewObject[]): void {
    let wanted = 0;
    for (const object of objects) wanted += sizeOf(object);
    // To look for each is worth it only where there is too little room for all.
    if (!this.allowance.hasRoom(wanted)) wanted = this.lacking(objects);
    this.allowance.take(wanted);
    let kept = 0;
    for (const object of objects) if (this.objects.add(object)) kept += sizeOf(object); // or it stands twice in the list
    if (kept < wanted) this.allowance.give(wanted - kept);
  }

  /** Forgets an object that was put here. */
  drop(oid: Oid): number {
    const length = this.objects.drop(oid);
    if (length < 0) return 0;
    this.allowance.give(length + AN_OBJECT);
    return length + AN_OBJECT;
  }

  /** Forgets all that were put here. */
  clear(): void {
    const { bodyBytes, count } = this.objects;
    this.objects.clear();
    this.allowance.give(bodyBytes + count * AN_OBJECT);
  }

  /** How many objects were put here. */
  get count(): number {
    return this.objects.count;
  }

  commit(oid: Oid): CommitFacts | null {
    const object = this.get(oid);
    return object?.type === 'commit' ? parseCommit(object.body) : null;
  }

  /** Throws `GIT_ERROR` for what is no commit here. */
  mustCommit(oid: Oid): CommitFacts {
    const commit = this.commit(oid);
    if (commit === null) throw new KvError('GIT_ERROR', `there is no commit ${oid}`, { hint: 'fetch it first' });
    return commit;
  }

  /** The object at a path below a commit, a tag of one, or a tree; the empty path is the root tree. */
  at(root: Oid, path: string): GitObject | null {
    let object = this.get(root);
    while (object?.type === 'tag') object = this.get(parseTag(object.body));
    if (object?.type === 'commit') object = this.get(parseCommit(object.body).tree);
    if (path === '') return object?.type === 'tree' ? object : null;
    for (const name of path.split('/')) {
      if (object?.type !== 'tree') return null;
      const oid = parseTree(object.body, this.format).get(name);
      object = oid === undefined ? null : this.get(oid);
    }
    return object;
  }

  /** All commits that a commit reaches, itself included; ends early at `until`. */
  reachable(from: Oid, until?: Oid): Set<Oid> {
    const seen = new Set<Oid>();
    const open = [from];
    for (let oid = open.pop(); oid !== undefined; oid = open.pop()) {
      if (seen.has(oid)) continue;
      seen.add(oid);
      if (oid === until) return seen;
      open.push(...this.mustCommit(oid).parents);
    }
    return seen;
  }
}
