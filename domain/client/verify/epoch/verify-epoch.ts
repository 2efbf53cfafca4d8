import type { SigningKey } from '../../../../ports/clone/signer.js';
import type { Oid, RefName } from '../../../../ports/vocabulary.js';
import type { LedgerTrailers } from '../../../ledger/transaction/attestation.js';
import { chunksRef } from '../../../ledger/refs.js';
import type { Attested } from '../../../verify/attestation/chain.js';
import type { Transaction } from '../../../verify/attestation/pairs.js';
import type { Tally, VerifyContext } from '../context.js';
import { checkEveryStep } from './every-step.js';
import { KnownChunks } from './known-chunks.js';
import { checkLastState } from './last-state.js';
import { checkSignatures } from './signatures.js';
import { readTransactions } from './transactions.js';

/** An epoch's tips, and how deep to look. */
interface EpochRequest {
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

/** What was found out of an epoch. */
export interface VerifiedEpoch extends Tally {
  readonly label: string;
  /** The newest ledger commit, and the first; null when the chain is broken. */
  readonly ledger: Oid;
  readonly root: Oid | null;
  readonly commits: ReadonlySet<Oid>;
  /** Oldest first. */
  readonly ledgers: readonly Attested<LedgerTrailers>[];
  /** Who signed them, as far as that was verified. */
  readonly signers: ReadonlyMap<Oid, SigningKey>;
  readonly parentEpoch: string | null;
  readonly parentLedger: Oid | null;
}

/** Verifies one epoch. Whatever is wrong goes to the findings. */
export async function verifyEpoch(context: VerifyContext, request: EpochRequest): Promise<VerifiedEpoch> {
  const { ns } = context;
  const names = { ledger: request.ledgerName, index: request.indexName, chunks: chunksRef(ns, request.label) };
  const transactions = await readTransactions(context, { ...request, names });
  const tally: Tally = { transactions: transactions.length, keys: 0, values: 0, chunks: 0, bytes: 0 };
  const signers = await checkSignatures(context, transactions);
  const chunks = new KnownChunks(context.findings, request.chunks !== null, missingChunks(context, request, transactions));
  const walk = { label: request.label, transactions, chunks, tally };
  await (request.full ? checkEveryStep(context, walk) : checkLastState(context, walk));
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
