import { KvError } from '../../../../ports/error.js';
import type { NewObject } from '../../../../ports/git/git-store.js';
import { during, NO_SPAN } from '../../../../ports/tracing.js';
import { type Commit, encodeCommit } from '../../../git/commit.js';
import { type Clone, namerOf, type WritingPorts } from '../../clone/clone.js';

interface SignedCommit {
  readonly object: NewObject;
  /** Why it is not signed; null when it is. */
  readonly unsigned: string | null;
}

/**
 * Signs a ledger commit. Throws `CONFIG_INVALID` when no signing key is configured, unless it may go without: a ledger of this
 * clone alone, or one whose policy takes unsigned commits.
 */
export async function signCommit(clone: Clone, ports: WritingPorts, commit: Commit, optional: boolean): Promise<SignedCommit> {
  const { objectFormat } = clone.store;
  const seal = (signature: string | null): NewObject =>
    namerOf(clone, ports.hasher).object('commit', encodeCommit({ ...commit, signature }, objectFormat));
  if (clone.reality !== undefined) return { object: seal(null), unsigned: null }; // what is only tried says nothing to anybody
  try {
    const span = (clone.span ?? NO_SPAN).child('git-kv.sign');
    const signature = await during(span, () => ports.signer.sign(encodeCommit(commit, objectFormat)));
    return { object: seal(signature), unsigned: null };
  } catch (error) {
    if (!optional || !KvError.is(error) || error.code !== 'CONFIG_INVALID') throw error;
    return { object: seal(null), unsigned: error.message };
  }
}
