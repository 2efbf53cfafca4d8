import type { Oid } from '../../../../ports/vocabulary.js';
import type { Pointer } from '../../../ledger/value/pointer.js';
import type { RuleContext } from '../../../verify/fault.js';
import { LivePointers } from '../../../verify/index/live-pointers.js';
import { ledgerParts } from '../../../verify/keys/ledger-changes.js';
import type { Transaction } from '../../../verify/attestation/pairs.js';
import { checkWholeIndex } from '../../../verify/index/whole-index.js';
import { rulesAt, type Tally, type VerifyContext } from '../context.js';
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
  const live = new LivePointers(context.namer);
  const take = (pointers: ReadonlyMap<string, Pointer | null>, digests: readonly string[] = []): void => {
    let at = 0;
    for (const [key, pointer] of pointers) live.add(key, pointer, digests[at++]);
  };
  const request = { before: null, after: last.ledger.commit.tree, txn: null, place, chunks, digests: false, take };
  await checkKeys(context, request, tally);
  if (last.index === null) return;
  const { blobs, onProgress } = context;
  const rules = rulesAt(context, place);
  const keys = (): AsyncGenerator<string[]> => keysOf(rules, last.ledger.commit.tree);
  await checkWholeIndex(rules, { tree: last.index.commit.tree, live, keys, blobs, onProgress });
}

/** The keys of a ledger tree, once more: what is wrong with them has been told. */
async function* keysOf(rules: RuleContext, tree: Oid): AsyncGenerator<string[]> {
  for await (const { changes, torn } of ledgerParts({ ...rules, emit: () => undefined }, null, tree))
    yield [...changes.map(({ key }) => key), ...torn];
}
