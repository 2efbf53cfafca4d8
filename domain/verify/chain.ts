import { KvError } from '../../ports/error.js';
import type { GitStore } from '../../ports/git-store.js';
import type { Oid } from '../../ports/vocabulary.js';
import {
  type ChunksTrailers,
  type IndexTrailers,
  type LedgerTrailers,
  parseChunksMessage,
  parseIndexMessage,
  parseLedgerMessage,
} from '../ledger/attestation.js';
import { type Commit, decodeCommit } from '../git/commit.js';

/** A transaction as pushed: its commits, read but not yet believed. */
export interface PushedTransaction {
  readonly ledger: { readonly oid: Oid; readonly body: Uint8Array; readonly commit: Commit; readonly trailers: LedgerTrailers };
  readonly index: { readonly oid: Oid; readonly commit: Commit; readonly trailers: IndexTrailers };
  /** Null when the transaction added no chunks. */
  readonly chunks: { readonly oid: Oid; readonly commit: Commit; readonly trailers: ChunksTrailers } | null;
}

/** How many transactions one push may carry. */
export const MAX_CHAIN = 1000;

export interface Link {
  readonly oid: Oid;
  readonly body: Uint8Array;
  readonly commit: Commit;
}

/**
 * The commits from a ref's old tip (null: the ref is new) to its new one, oldest first.
 * Throws `REF_FORBIDDEN` unless they are a single-parent chain on the old tip.
 */
export async function readChain(store: GitStore, ref: string, old: Oid | null, next: Oid, limit = MAX_CHAIN): Promise<Link[]> {
  const links: Link[] = [];
  let at: Oid | null = next;
  while (at !== old) {
    if (at === null) throw forbidden(ref, 'is not a fast-forward of the current tip');
    if (links.length >= limit)
      throw forbidden(ref, `has more than ${limit} new commits, or is not a fast-forward of the current tip`);
    const [object] = await store.read([at]);
    if (object === null || object === undefined || object.type !== 'commit')
      throw forbidden(ref, `points to ${at}, which is no commit`);
    const commit = decodeCommit(object.body, at, store.objectFormat);
    if (commit.parents.length > 1) throw forbidden(ref, `has a merge commit, ${at}`);
    links.push({ oid: at, body: object.body, commit });
    at = commit.parents[0] ?? null;
  }
  return links.reverse();
}

/** Pairs the ledger's new commits with the index's and the chunks'. Throws `ATTESTATION_MISMATCH` when they don't pair up. */
export function pairChains(
  ns: string,
  ledger: readonly Link[],
  index: readonly Link[],
  chunks: readonly Link[],
): PushedTransaction[] {
  if (ledger.length !== index.length) {
    throw unpaired(ns, `${ledger.length} ledger commits but ${index.length} index commits`);
  }
  const left = [...chunks];
  const pairs = ledger.map((link, i) => {
    const other = index[i] as Link;
    const trailers = parseLedgerMessage(link.commit.message, link.oid);
    const chunk = trailers.chunksTree === null ? undefined : left.shift();
    if (trailers.chunksTree !== null && chunk === undefined)
      throw unpaired(ns, `ledger commit ${link.oid} names chunks that were not pushed`);
    return {
      ledger: { ...link, trailers },
      index: { oid: other.oid, commit: other.commit, trailers: parseIndexMessage(other.commit.message, other.oid) },
      chunks:
        chunk === undefined
          ? null
          : { oid: chunk.oid, commit: chunk.commit, trailers: parseChunksMessage(chunk.commit.message, chunk.oid) },
    };
  });
  if (left.length > 0) throw unpaired(ns, `chunks commit ${left[0]?.oid} belongs to no ledger commit`);
  return pairs;
}

function unpaired(ns: string, what: string): KvError {
  return new KvError('ATTESTATION_MISMATCH', `namespace ${ns}: ${what}`, {
    hint: 'each transaction is one ledger commit, one index commit, and one chunks commit when it adds chunks',
  });
}

function forbidden(ref: string, why: string): KvError {
  return new KvError('REF_FORBIDDEN', `${ref} ${why}`, {
    hint: 'the ledger is linear: fetch the newest tip, build on it and push again',
  });
}
