import type { Clock } from '../../../../ports/clock.js';
import type { GitStore, NewObject } from '../../../../ports/git/git-store.js';
import type { RefUpdate } from '../../../../ports/vocabulary.js';
import { utf8 } from '../../../git/bytes.js';
import { encodeCommit, stamp } from '../../../git/commit.js';
import type { ObjectNamer } from '../../../git/object.js';
import { MODE_FILE } from '../../../git/tree/tree.js';
import { seal, TreeDraft } from '../../../git/tree/tree-draft.js';
import { STARGATE_IDENTITY } from '../../../ledger/transaction/watchlog.js';

/** The first commit of a branch. */
export interface FirstBranch {
  /** Its name below refs/heads. */
  readonly name: string;
  /** The text of its README.md. */
  readonly readme: string;
}

/**
 * Writes a branch's first commit, of the Stargate's own and unsigned, with a README in it; gives the move that makes the branch. A
 * repository without any branch is one that `git clone` warns of, and that `git submodule add` and some other clients refuse.
 */
export async function firstBranch(store: GitStore, namer: ObjectNamer, clock: Clock, branch: FirstBranch): Promise<RefUpdate> {
  const blob = namer.object('blob', utf8(branch.readme));
  const objects: NewObject[] = [blob];
  const root = new TreeDraft(null);
  root.put('README.md', MODE_FILE, blob.oid);
  const tree = seal(root, namer, objects) as string;
  const ident = stamp(STARGATE_IDENTITY, clock.now());
  const message = 'a repository of git-kv ledgers\n';
  const commit = { tree, parents: [], author: ident, committer: ident, signature: null, message };
  const object = namer.object('commit', encodeCommit(commit, namer.format));
  await store.write([...objects, object]);
  return { ref: `refs/heads/${branch.name}`, old: null, next: object.oid };
}
