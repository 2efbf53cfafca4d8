import { KvError } from '../../../ports/error.js';
import type { HistoryQuery } from '../../../ports/git/git-store.js';
import type { ReadBounds } from '../../../ports/git/read-bounds.js';
import { type GitObject, isOid, type ObjectFormat, type ObjectHeader, type Oid } from '../../../ports/vocabulary.js';
import { reaches, walkCommits } from '../log/walk.js';
import { toBytePath } from '../objects/paths.js';
import { ObjectSource } from '../objects/source.js';
import { entryAt } from '../objects/trees.js';
import { childrenOf } from '../objects/children.js';

/** What of a store follows from reading single objects. */
export abstract class ObjectReads {
  private known: ObjectSource | null = null;

  constructor(readonly objectFormat: ObjectFormat) {}

  abstract read(oids: readonly Oid[], bounds?: ReadBounds): Promise<(GitObject | null)[]>;

  async headers(oids: readonly Oid[]): Promise<(ObjectHeader | null)[]> {
    return (await this.read(oids)).map((object) => object && { oid: object.oid, type: object.type, size: object.body.length });
  }

  async readPaths(root: Oid, paths: readonly string[], bounds?: ReadBounds): Promise<(GitObject | null)[]> {
    for (const path of paths) if (/[\0\n]/.test(path)) throw new KvError('INPUT_INVALID', 'a tree path holds a NUL or a newline');
    const tree = await this.treeOf(this.checked(root));
    const entries = await Promise.all(paths.map((path) => this.entry(tree, path)));
    const found = entries.filter((oid) => oid !== null);
    const objects = await this.read(found, bounds);
    let at = 0;
    return entries.map((oid) => (oid === null ? null : (objects[at++] ?? null)));
  }

  async isAncestor(ancestor: Oid, descendant: Oid): Promise<boolean> {
    const [above] = await this.read([this.checked(descendant)]);
    return above?.type === 'commit' && (await reaches(this.source, descendant, this.checked(ancestor)));
  }

  async *history({ tip, paths, limit = Infinity, exclude }: HistoryQuery): AsyncIterable<Oid> {
    let left = limit;
    if (left <= 0) return;
    const excluded = exclude === undefined ? {} : { exclude: [exclude] };
    const query = paths === undefined || paths.length === 0 ? excluded : { ...excluded, paths: paths.map(toBytePath) };
    for await (const { oid } of walkCommits(this.source, [tip], query)) {
      yield oid;
      if (--left <= 0) return;
    }
  }

  /** Throws `INPUT_INVALID` for what is no full id. */
  protected checked(oid: Oid): Oid {
    if (isOid(oid, this.objectFormat)) return oid;
    throw new KvError('INPUT_INVALID', `'${oid}' is not a full ${this.objectFormat} object id`, {
      hint: 'give all hex digits, in lower case',
    });
  }

  private get source(): ObjectSource {
    this.known ??= new ObjectSource(this, this.objectFormat);
    return this.known;
  }

  /** The tree that a commit, a tag or a tree leads to. */
  private async treeOf(root: Oid): Promise<Oid | null> {
    let [object] = await this.read([root]);
    for (let depth = 0; depth < 10 && (object?.type === 'tag' || object?.type === 'commit'); depth++)
      [object] = await this.read(childrenOf(object, 0).slice(0, 1));
    return object?.type === 'tree' ? object.oid : null;
  }

  private async entry(tree: Oid | null, path: string): Promise<Oid | null> {
    if (tree === null || path === '') return tree;
    const entry = /(?:^|\/)(?:\/|$)/.test(path) ? null : await entryAt(this.source, tree, toBytePath(path));
    return entry === null || entry.mode === '160000' ? null : entry.oid;
  }
}
