import type { Oid, RefName } from '../../../ports/vocabulary.js';
import { checkRef } from '../guard.js';
import type { LibraryRepository, Nodegit } from '../library/binding.js';
import { CODE, codeOf, libraryFailed } from '../library/failure.js';

/** So many refs are asked for at a time. */
const AT_A_TIME = 256;

/** The refs of one repository, as libgit2 reads them: files of their own, and packed ones. */
export class Refs {
  constructor(
    private readonly nodegit: Nodegit,
    private readonly repository: LibraryRepository,
  ) {}

  /** The refs that equal a pattern, or lie below one that ends in `/`. */
  async list(patterns: readonly string[]): Promise<Map<RefName, Oid>> {
    for (const pattern of patterns) checkRef(pattern.endsWith('/') ? `${pattern}x` : pattern);
    const below = patterns.filter((pattern) => pattern.endsWith('/'));
    const names = new Set(patterns.filter((pattern) => !pattern.endsWith('/')));
    const all = below.length === 0 ? [] : await this.names();
    for (const name of all) if (below.some((prefix) => name.startsWith(prefix))) names.add(name);
    const sorted = [...names].sort();
    const found = new Map<RefName, Oid>();
    for (let at = 0; at < sorted.length; at += AT_A_TIME) {
      const some = sorted.slice(at, at + AT_A_TIME);
      const oids = await Promise.all(some.map((name) => this.at(name)));
      for (const [i, name] of some.entries()) if (oids[i] != null) found.set(name, oids[i]);
    }
    return found;
  }

  /** Where a ref is; null when there is none, and for a symbolic one that leads nowhere. */
  async at(ref: RefName): Promise<Oid | null> {
    try {
      return (await this.nodegit.Reference.nameToId(this.repository, ref)).tostrS();
    } catch (error) {
      if (codeOf(error) === CODE.NOT_FOUND) return null;
      throw libraryFailed(`cannot read '${ref}'`, error);
    }
  }

  /** Every ref's name. */
  async names(): Promise<string[]> {
    try {
      return await this.nodegit.Reference.list(this.repository);
    } catch (error) {
      throw libraryFailed('cannot list refs', error);
    }
  }
}
