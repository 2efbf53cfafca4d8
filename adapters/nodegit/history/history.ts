import type { HistoryQuery } from '../../../ports/git/git-store.js';
import type { Oid } from '../../../ports/vocabulary.js';
import { checkOid } from '../guard.js';
import type { LibraryRepository, Nodegit } from '../library/binding.js';
import { libraryFailed } from '../library/failure.js';
import type { ObjectReader } from '../objects/reader.js';
import { PathHistory } from './follow-paths.js';
import { revwalk } from './revwalk.js';

/** Walks through the commits of a repository, or of a quarantine in front of it. */
export class History {
  constructor(
    private readonly nodegit: Nodegit,
    private readonly repository: LibraryRepository,
    private readonly reader: ObjectReader,
  ) {}

  async *walk({ tip, exclude, limit, paths }: HistoryQuery): AsyncIterable<Oid> {
    checkOid(tip);
    const left = limit === undefined ? {} : { limit };
    if (paths === undefined) {
      yield* revwalk(this.nodegit, this.repository, {
        tip,
        ...(exclude === undefined ? {} : { exclude: checkOid(exclude) }),
        ...left,
      });
      return;
    }
    const excluded = new Set<Oid>();
    if (exclude !== undefined)
      for await (const oid of revwalk(this.nodegit, this.repository, { tip: checkOid(exclude) })) excluded.add(oid);
    let count = 0;
    if (limit !== undefined && limit <= count) return;
    for await (const oid of new PathHistory(this.reader, paths).walk(tip, excluded)) {
      yield oid;
      if (limit !== undefined && ++count >= limit) return;
    }
  }

  async isAncestor(ancestor: Oid, descendant: Oid): Promise<boolean> {
    const heads = await this.reader.headers.ask([checkOid(ancestor), checkOid(descendant)]);
    if (heads.some((head) => head?.type !== 'commit')) return false;
    if (ancestor === descendant) return true;
    const [below, above] = [ancestor, descendant].map((oid) => this.nodegit.Oid.fromString(oid));
    if (below === undefined || above === undefined) return false;
    try {
      return (await this.nodegit.Graph.descendantOf(this.repository, above, below)) === 1;
    } catch (error) {
      throw libraryFailed(`cannot walk from ${descendant} to ${ancestor}`, error);
    }
  }
}
