import { decodeCommit } from '../../../domain/git/commit.js';
import { parseLedgerMessage } from '../../../domain/ledger/attestation.js';
import { KvError } from '../../../ports/error.js';
import type { GitStore } from '../../../ports/git-store.js';
import type { Oid } from '../../../ports/vocabulary.js';

/** The epoch that a ledger commit says it is of; null for one that isn't here, or doesn't say it soundly. */
export async function epochLabelOf(store: GitStore, ledger: Oid): Promise<string | null> {
  const [commit] = await store.read([ledger]);
  if (!commit) return null;
  try {
    return parseLedgerMessage(decodeCommit(commit.body, ledger, store.objectFormat).message, ledger).epoch;
  } catch (error) {
    if (KvError.is(error)) return null; // a damaged ledger must not keep the status of all others from whoever asks
    throw error;
  }
}
