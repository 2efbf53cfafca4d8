import { KvError } from '../../ports/error.js';
import type { GitObject, ObjectFormat, Oid } from '../../ports/vocabulary.js';
import { parseCommit, parseTag, parseTree } from './parse.js';
import type { CommitFacts } from './parse.js';

/** The empty tree's id. Git knows that object in every repository, whether anybody wrote it or not; so nobody does. */
const EMPTY_TREE: Readonly<Record<ObjectFormat, Oid>> = {
  sha1: '4b825dc642cb6eb9a060e54bf8d69288fbee4904',
  sha256: '6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321',
};

/** Objects in a Map, in front of others where there are some, and the walks over them. */
export class MemoryObjects {
  private readonly objects = new Map<Oid, GitObject>();

  constructor(
    private readonly format: ObjectFormat,
    private readonly behind: MemoryObjects | null = null,
  ) {
    if (behind === null) this.put({ oid: EMPTY_TREE[format], type: 'tree', body: new Uint8Array(0) });
  }

  get(oid: Oid): GitObject | null {
    return this.objects.get(oid) ?? this.behind?.get(oid) ?? null;
  }

  /** The objects that were put here, without those of the repository behind. */
  own(): Iterable<GitObject> {
    return this.objects.values();
  }

  put(object: GitObject): void {
    if (this.objects.has(object.oid)) return;
    this.objects.set(object.oid, { oid: object.oid, type: object.type, body: object.body.slice() });
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

  /** All commits that a commit reaches, itself included. */
  reachable(from: Oid): Set<Oid> {
    const seen = new Set<Oid>();
    const open = [from];
    for (let oid = open.pop(); oid !== undefined; oid = open.pop()) {
      if (seen.has(oid)) continue;
      seen.add(oid);
      open.push(...this.mustCommit(oid).parents);
    }
    return seen;
  }
}
