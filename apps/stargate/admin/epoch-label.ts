import { decodeCommit } from '../../../domain/git/commit.js';
import type { GitStore } from '../../../ports/git-store.js';
import type { Oid } from '../../../ports/vocabulary.js';

/** The label of the epoch that a ledger commit belongs to; null when the commit is not there or names none. */
export async function epochLabelOf(store: GitStore, ledger: Oid): Promise<string | null> {
  const [commit] = await store.read([ledger]);
  if (!commit) return null;
  return /^Epoch: (\S+)$/m.exec(decodeCommit(commit.body, ledger, store.objectFormat).message)?.[1] ?? null;
}
