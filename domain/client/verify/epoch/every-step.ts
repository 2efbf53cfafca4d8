import type { Oid } from '../../../../ports/vocabulary.js';
import type { Pointer } from '../../../ledger/value/pointer.js';
import { checkCounts } from '../../../verify/attestation/binding.js';
import { checkIndexBlobs } from '../../../verify/index/index-blobs.js';
import { checkIndexStep } from '../../../verify/index/index-step.js';
import type { Transaction } from '../../../verify/attestation/pairs.js';
import { rulesAt, type VerifyContext } from '../context.js';
import { checkKeys } from './check-keys.js';
import type { FindingPlace } from '../findings.js';
import { checkOrderedTree, intentOf, isSequenced, type SequencedLink } from '../../../verify/sequenced.js';
import type { ChunksStep } from './known-chunks.js';
import type { EpochWalk } from './last-state.js';

/** Checks each transaction of an epoch against the one before it, and reads every value and chunk. */
export async function checkEveryStep(context: VerifyContext, walk: EpochWalk): Promise<void> {
  const { label, transactions } = walk;
  let chunksTree: Oid | null = null;
  for (const [i, one] of transactions.entries()) {
    if (one.chunks !== null) {
      const step: ChunksStep = { before: chunksTree, after: one.chunks.commit.tree, commit: one.chunks.oid, epoch: label };
      await walk.chunks.take(context, step, true, walk.tally);
      chunksTree = step.after;
    }
    await checkStep(context, walk, one, transactions[i - 1]);
    context.onProgress(`${i + 1} of ${transactions.length} transactions of epoch ${label}`);
  }
}

async function checkStep(
  context: VerifyContext,
  { label, chunks, tally }: EpochWalk,
  { ledger, index }: Transaction,
  before: Transaction | undefined,
): Promise<void> {
  const t = ledger.trailers;
  const place = { epoch: label, commit: ledger.oid };
  // What follows a break in the chain is held against the tree that it says it builds on; an epoch begins with a whole state.
  const begins = before === undefined && ledger.commit.parents.length === 0;
  const base: Oid | null = before?.ledger.commit.tree ?? (begins ? null : (t?.baseTree ?? null));
  const snapshot = begins && t?.parentEpoch !== null;
  const txn = snapshot ? null : (t?.txn ?? null);
  if (isSequenced(ledger)) await recompute(context, place, ledger, base);
  const pointers = new Map<string, Pointer | null>();
  const take = (some: ReadonlyMap<string, Pointer | null>): void => {
    for (const [key, pointer] of some) pointers.set(key, pointer);
  };
  const request = { before: base, after: ledger.commit.tree, txn, place, chunks, digests: true, take };
  const { set, del } = await checkKeys(context, request, tally);
  checkCounts(rulesAt(context, place).emit, ledger, snapshot ? 0 : set, snapshot ? 0 : del);
  const previous: Oid | null = before?.index?.commit.tree ?? null;
  if (index === null || (previous === null && !begins)) return;
  await checkIndex(context, place, { before: previous, after: index.commit.tree, pointers });
}

/** A transaction that was made of an intent is exactly what that makes of the state before it. */
async function recompute(context: VerifyContext, place: FindingPlace, ledger: SequencedLink, before: Oid | null): Promise<void> {
  const rules = rulesAt(context, place);
  const [header] = await rules.store.headers([ledger.trailers.intent]);
  const intent = header ? await intentOf(rules, ledger) : null; // what is not here was noted with the signatures
  if (intent !== null) await checkOrderedTree(rules, ledger, intent, before);
}

async function checkIndex(
  context: VerifyContext,
  place: { readonly epoch: string; readonly commit: Oid },
  step: { readonly before: Oid | null; readonly after: Oid; readonly pointers: ReadonlyMap<string, Pointer | null> },
): Promise<void> {
  const rules = rulesAt(context, place);
  if (context.blobs) await checkIndexBlobs(rules, step.before, step.after);
  await checkIndexStep(rules, step, true);
}
