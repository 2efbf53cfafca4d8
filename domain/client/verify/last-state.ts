import type { Transaction } from '../../verify/attestation/pairs.js';
import { checkWholeIndex } from '../../verify/index/whole-index.js';
import { rulesAt, type Tally, type VerifyContext } from './context.js';
import { checkKeys } from './check-keys.js';
import type { KnownChunks } from './known-chunks.js';

/** An epoch's transactions on the way through them. */
export interface EpochWalk {
  readonly label: string;
  /** Oldest first. */
  readonly transactions: readonly Transaction[];
  readonly chunks: KnownChunks;
  readonly tally: Tally;
}

/** Checks the last state of an epoch: its keys, its chunks and its index, each whole, without reading values. */
export async function checkLastState(context: VerifyContext, { label, transactions, chunks, tally }: EpochWalk): Promise<void> {
  const last = transactions.at(-1);
  if (last === undefined) return;
  const place = { epoch: label, commit: last.ledger.oid };
  const newest = transactions.findLast((one) => one.chunks !== null)?.chunks;
  if (newest) {
    const step = { before: null, after: newest.commit.tree, commit: newest.oid, epoch: label };
    await chunks.take(context, step, false, tally);
  }
  const request = { before: null, after: last.ledger.commit.tree, txn: null, place, chunks, digests: false };
  const { pointers } = await checkKeys(context, request, tally);
  if (last.index === null) return;
  const { blobs } = context;
  await checkWholeIndex(rulesAt(context, place), { tree: last.index.commit.tree, live: pointers, blobs });
}
