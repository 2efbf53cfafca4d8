import type { NewObject } from '../../../ports/git/git-store.js';
import type { Oid } from '../../../ports/vocabulary.js';
import { type Commit, encodeCommit, stamp } from '../../git/commit.js';
import type { ObjectNamer } from '../../git/object.js';
import { readTrailers } from '../transaction/trailers.js';
import { STARGATE_IDENTITY } from '../transaction/watchlog.js';

/**
 * An epoch's intents are kept by a chain of commits on the empty tree, one a transaction, whose second parent is the intent. The chain
 * begins with a commit without parents.
 */

/** What a commit of the chain says. */
export interface KeptIntent {
  readonly ns: string;
  readonly txn: string;
  /** The ledger commit that was made of it. */
  readonly ledger: Oid;
}

const NAMES = { required: ['KV-NS', 'KV-Txn', 'KV-Ledger'], optional: [] };

/** Appends an intent to the chain (`tip` null: a new one); `now` in ms. Gives the commits, the last of which is the new tip. */
export function appendIntent(namer: ObjectNamer, tip: Oid | null, intent: Oid, kept: KeptIntent, now: number): NewObject[] {
  const ident = stamp(STARGATE_IDENTITY, now);
  const commit = (parents: readonly Oid[], message: string): NewObject => {
    const body: Commit = { tree: namer.emptyTree(), parents, author: ident, committer: ident, signature: null, message };
    return namer.object('commit', encodeCommit(body, namer.format));
  };
  const begin = tip === null ? [commit([], `kv-intents: ${kept.ns}\n`)] : [];
  const parent = tip ?? (begin[0] as NewObject).oid;
  return [...begin, commit([parent, intent], renderKeptMessage(kept))];
}

/** The whole message of a commit of the chain. */
export function renderKeptMessage({ ns, txn, ledger }: KeptIntent): string {
  return `kv-intents: ${ns}\n\nKV-NS: ${ns}\nKV-Txn: ${txn}\nKV-Ledger: ${ledger}\n`;
}

/** Reads the message of a commit of the chain. Throws `ATTESTATION_MISMATCH` naming the commit and the trailer. */
export function parseKeptMessage(message: string, commit: Oid): KeptIntent {
  const t = readTrailers(message, commit, NAMES);
  return { ns: t('KV-NS'), txn: t('KV-Txn'), ledger: t('KV-Ledger') };
}
