import { KvError } from '../../../ports/error.js';
import type { Oid } from '../../../ports/vocabulary.js';
import type { LibraryRepository, Nodegit } from '../library/binding.js';
import { libraryFailed } from '../library/failure.js';

/** Commits that libgit2 walks in one call. */
const STEP = 1000;

/** A walk that begins at a commit, and leaves out another with all that it reaches. */
export interface Walk {
  readonly tip: Oid;
  readonly exclude?: Oid;
  readonly limit?: number;
}

/** Commits by committer time, newest first, as libgit2 walks them. Throws `GIT_ERROR` for a commit that isn't there. */
export async function* revwalk(nodegit: Nodegit, repository: LibraryRepository, walk: Walk): AsyncIterable<Oid> {
  const what = `cannot walk the history of ${walk.tip}`;
  try {
    const walker = nodegit.Revwalk.create(repository);
    begin(walker.push(nodegit.Oid.fromString(walk.tip)), walk.tip, what);
    if (walk.exclude !== undefined) begin(walker.hide(nodegit.Oid.fromString(walk.exclude)), walk.exclude, what);
    for (let left = Math.max(0, Math.floor(walk.limit ?? Number.POSITIVE_INFINITY)); left > 0; ) {
      const asked = Math.min(left, STEP);
      const oids = await walker.fastWalk(asked);
      for (const oid of oids) yield oid.tostrS();
      if (oids.length < asked) return;
      left -= oids.length;
    }
  } catch (error) {
    throw libraryFailed(what, error);
  }
}

function begin(code: number, oid: Oid, what: string): void {
  if (code !== 0) throw new KvError('GIT_ERROR', `${what}: there is no commit ${oid}`, { hint: 'fetch it first' });
}
