import { committedAt } from '../../../ports/grammar/git-words/committed-at.js';
import { KvError } from '../../../ports/error.js';
import type { Oid } from '../../../ports/vocabulary.js';
import type { ObjectReader } from '../objects/reader.js';
import { entriesOf } from '../objects/tree-paths.js';

/** What a walk needs to know of a commit. */
interface Commit {
  readonly oid: Oid;
  readonly tree: Oid;
  readonly parents: readonly Oid[];
  /** Committer time, seconds since the epoch. */
  readonly time: number;
}

/**
 * The commits that changed one of some paths, by committer time, newest first; merges are simplified as `git rev-list` does it. libgit2
 * follows one path at a time, and merges otherwise. Costs a few tree reads a commit, since it knows no changed-path filters.
 */
export class PathHistory {
  constructor(
    private readonly reader: ObjectReader,
    private readonly paths: readonly string[],
  ) {}

  /** Walks from a commit, and leaves out those of `excluded`. Throws `GIT_ERROR` for a commit that isn't there. */
  async *walk(tip: Oid, excluded: ReadonlySet<Oid>): AsyncIterable<Oid> {
    const seen = new Set(excluded);
    const open: Commit[] = [];
    const push = async (oid: Oid): Promise<void> => {
      if (seen.has(oid)) return;
      seen.add(oid);
      const commit = await this.commit(oid);
      let at = open.length;
      // Equal times keep the order in which they were found.
      while (at > 0 && (open[at - 1] as Commit).time < commit.time) at--;
      open.splice(at, 0, commit);
    };
    await push(tip);
    for (let next = open.shift(); next !== undefined; next = open.shift()) {
      const same = await this.sameAs(next);
      if (same === null) {
        yield next.oid;
        for (const parent of next.parents) await push(parent);
      } else if (same !== 'none') {
        await push(same);
      }
    }
  }

  /** The parent that has the same at all paths, `none` for a first commit that has none of them, or null. */
  private async sameAs({ tree, parents }: Commit): Promise<Oid | 'none' | null> {
    if (this.paths.length === 0) return null;
    if (parents.length === 0) return (await this.isSame(tree, null)) ? 'none' : null;
    for (const parent of parents) if (await this.isSame(tree, (await this.commit(parent)).tree)) return parent;
    return null;
  }

  private async isSame(tree: Oid, other: Oid | null): Promise<boolean> {
    for (const path of this.paths) if (!(await this.isSameAt(tree, other, path.split('/')))) return false;
    return true;
  }

  private async isSameAt(one: Oid | null, other: Oid | null, path: readonly string[]): Promise<boolean> {
    let both = [one, other] as const;
    for (const name of path) {
      if (both[0] === both[1]) return true;
      both = [await this.below(both[0], name), await this.below(both[1], name)];
    }
    return both[0] === both[1];
  }

  private async below(tree: Oid | null, name: string): Promise<Oid | null> {
    if (tree === null) return null;
    const [object] = await this.reader.read([tree]);
    return entriesOf(object ?? null, new Set([name])).get(name)?.oid ?? null;
  }

  private async commit(oid: Oid): Promise<Commit> {
    const [object] = await this.reader.read([oid]);
    if (object?.type !== 'commit') throw new KvError('GIT_ERROR', `there is no commit ${oid}`, { hint: 'fetch it first' });
    const text = Buffer.from(object.body.buffer, object.body.byteOffset, object.body.byteLength).toString('latin1');
    const end = text.indexOf('\n\n');
    const head = end < 0 ? text : text.slice(0, end + 1);
    const tree = /^tree ([0-9a-f]+)$/m.exec(head)?.[1];
    if (tree === undefined) throw new KvError('GIT_ERROR', `commit ${oid} names no tree`);
    const parents = [...head.matchAll(/^parent ([0-9a-f]+)$/gm)].map((match) => match[1] as string);
    return { oid, tree, parents, time: committedAt(head) };
  }
}
