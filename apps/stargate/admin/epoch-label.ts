import { decodeCommit } from '../../../domain/git/commit.js';
import { parseLedgerMessage } from '../../../domain/ledger/transaction/attestation.js';
import { KvError } from '../../../ports/error.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { GitObject, Oid } from '../../../ports/vocabulary.js';

/** So many commits are read together. */
const TOGETHER = 1000;

/** The epochs that ledger commits say they are of, in their order; null for one that isn't here, or doesn't say it soundly. */
export async function epochLabelsOf(store: GitStore, ledgers: readonly Oid[]): Promise<(string | null)[]> {
  const labels: (string | null)[] = [];
  for (let at = 0; at < ledgers.length; at += TOGETHER) {
    const some = ledgers.slice(at, at + TOGETHER);
    for (const [i, commit] of (await store.read(some)).entries()) labels.push(epochLabelOf(store, some[i] as Oid, commit));
  }
  return labels;
}

function epochLabelOf(store: GitStore, ledger: Oid, commit: GitObject | null): string | null {
  if (!commit) return null;
  try {
    return parseLedgerMessage(decodeCommit(commit.body, ledger, store.objectFormat).message, ledger).epoch;
  } catch (error) {
    if (KvError.is(error)) return null; // a damaged ledger must not keep the status of all others from whoever asks
    throw error;
  }
}
