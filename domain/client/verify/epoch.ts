import type { SigningKey } from '../../../ports/signer.js';
import type { Oid, RefName } from '../../../ports/vocabulary.js';
import type { LedgerTrailers } from '../../ledger/attestation.js';
import { chunksRef } from '../../ledger/refs.js';
import { type Link, type Transaction, readEpoch } from './chain.js';
import { type Chunks, takeChunks } from './chunk-tree.js';
import type { Tally, VerifyContext } from './context.js';
import { checkIndex, checkIndexStep } from './index-tree.js';
import { checkKeys } from './keys.js';
import { checkSignatures } from './signatures.js';

export interface EpochRequest {
  readonly label: string;
  readonly ledger: Oid;
  readonly index: Oid | null;
  /** The epoch's chunks; null: not in this clone. */
  readonly chunks: Oid | null;
  readonly ledgerName: RefName;
  readonly indexName: RefName;
  /** Every transaction, value and chunk, instead of the last state without its values. */
  readonly full: boolean;
}

export interface VerifiedEpoch extends Tally {
  readonly label: string;
  /** The newest ledger commit, and the first; null when the chain is broken. */
  readonly ledger: Oid;
  readonly root: Oid | null;
  readonly commits: ReadonlySet<Oid>;
  /** Oldest first. */
  readonly ledgers: readonly Link<LedgerTrailers>[];
  /** Who signed them, as far as that was verified. */
  readonly signers: ReadonlyMap<Oid, SigningKey>;
  readonly parentEpoch: string | null;
  readonly parentLedger: Oid | null;
}

/** Verifies one epoch. Whatever is wrong goes to the findings. */
export async function verifyEpoch(context: VerifyContext, request: EpochRequest): Promise<VerifiedEpoch> {
  const { ns } = context;
  const names = { ledger: request.ledgerName, index: request.indexName, chunks: chunksRef(ns, request.label) };
  const transactions = await readEpoch(context, { ...request, names });
  const tally: Tally = { transactions: transactions.length, keys: 0, values: 0, chunks: 0, bytes: 0 };
  const signers = await checkSignatures(context, transactions);
  const missing = missingChunks(context, request, transactions);
  if (request.full) await checkEveryStep(context, request, transactions, missing, tally);
  else await checkLastState(context, request, transactions, missing, tally);
  const first = transactions[0]?.ledger;
  const whole = first !== undefined && first.commit.parents.length === 0;
  return {
    ...tally,
    label: request.label,
    ledger: request.ledger,
    root: whole ? first.oid : null,
    commits: new Set(transactions.map(({ ledger }) => ledger.oid)),
    ledgers: transactions.map(({ ledger }) => ledger),
    signers,
    parentEpoch: first?.trailers?.parentEpoch ?? null,
    parentLedger: first?.trailers?.parentLedger ?? null,
  };
}

/** True when the newest chunks that the ledger attests are not here yet. A hole before those that are here is a fault. */
function missingChunks(
  { findings }: VerifyContext,
  { chunks, label }: EpochRequest,
  transactions: readonly Transaction[],
): boolean {
  if (chunks === null) return false;
  const attesting = transactions.filter(({ ledger }) => ledger.trailers !== null && ledger.trailers.chunksTree !== null);
  const last = attesting.findLastIndex((one) => one.chunks !== null);
  for (const { ledger } of attesting.slice(0, Math.max(last, 0)).filter((one) => one.chunks === null))
    findings.fault(`commit ${ledger.oid} attests chunks, but has no chunks commit`, { commit: ledger.oid, epoch: label });
  return last < attesting.length - 1;
}

async function checkLastState(
  context: VerifyContext,
  request: EpochRequest,
  transactions: readonly Transaction[],
  chunksNewer: boolean,
  tally: Tally,
): Promise<void> {
  const { label } = request;
  const last = transactions.at(-1);
  if (last === undefined) return;
  const place = { epoch: label, commit: last.ledger.oid };
  const chunks: Chunks | null = request.chunks === null ? null : new Map();
  const chunksTip = transactions.findLast((one) => one.chunks !== null)?.chunks;
  if (chunks !== null && chunksTip)
    await takeChunks(
      context,
      chunks,
      { before: null, after: chunksTip.commit.tree, commit: chunksTip.oid, epoch: label },
      false,
      tally,
    );
  const rules = { before: null, after: last.ledger.commit.tree, txn: null, place, chunks, chunksNewer, digests: false };
  const { pointers } = await checkKeys(context, rules, tally);
  if (last.index !== null) await checkIndex(context, last.index.commit.tree, pointers, place);
}

async function checkEveryStep(
  context: VerifyContext,
  request: EpochRequest,
  transactions: readonly Transaction[],
  chunksNewer: boolean,
  tally: Tally,
): Promise<void> {
  const { findings } = context;
  const { label } = request;
  const chunks: Chunks | null = request.chunks === null ? null : new Map();
  let chunksTree: Oid | null = null;
  let before: Transaction | null = null;
  for (const [i, one] of transactions.entries()) {
    const { ledger, index } = one;
    const t = ledger.trailers;
    const place = { epoch: label, commit: ledger.oid };
    if (chunks !== null && one.chunks !== null) {
      const { tree } = one.chunks.commit;
      await takeChunks(context, chunks, { before: chunksTree, after: tree, commit: one.chunks.oid, epoch: label }, true, tally);
      chunksTree = tree;
    }
    // What follows a break in the chain is held against the tree that it says it builds on; an epoch begins with a whole state.
    const begins = before === null && ledger.commit.parents.length === 0;
    const base: Oid | null = before?.ledger.commit.tree ?? (begins ? null : (t?.baseTree ?? null));
    const snapshot = begins && t?.parentEpoch !== null;
    const rules = {
      before: base,
      after: ledger.commit.tree,
      txn: snapshot ? null : (t?.txn ?? null),
      place,
      chunks,
      chunksNewer,
      digests: true,
    };
    const { pointers, set, del } = await checkKeys(context, rules, tally);
    const [wantedSet, wantedDel] = snapshot ? [0, 0] : [set, del];
    if (t !== null && (t.keysSet !== wantedSet || t.keysDel !== wantedDel))
      findings.fault(
        `commit ${ledger.oid}: Keys-Set is ${t.keysSet} and Keys-Del ${t.keysDel}, but its trees set ${wantedSet} and delete ${wantedDel}`,
        place,
      );
    if (index !== null) {
      const previous: Oid | null = before?.index?.commit.tree ?? null;
      if (previous !== null) await checkIndexStep(context, previous, index.commit.tree, pointers, place);
      else if (begins) await checkIndex(context, index.commit.tree, pointers, place);
    }
    before = one;
    context.onProgress(`${i + 1} of ${transactions.length} transactions of epoch ${label}`);
  }
}
