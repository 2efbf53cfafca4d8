import { KvError } from '../../../../ports/error.js';
import type { Oid, RefName } from '../../../../ports/vocabulary.js';
import { parseChunksMessage, parseIndexMessage, parseLedgerMessage } from '../../../ledger/transaction/attestation.js';
import { checkBinding, type Parent } from '../../../verify/attestation/binding.js';
import { type Attested, attested, type Link, readChain } from '../../../verify/attestation/chain.js';
import { checkOneRepository } from '../../../verify/attestation/repository.js';
import { about } from '../../../verify/fault.js';
import { checkUsedOnce, pairPresent, type Transaction } from '../../../verify/attestation/pairs.js';
import type { VerifyContext } from '../context.js';

/** Where an epoch ends, as far as that is here, and by which refs that is known. */
interface EpochTips {
  readonly label: string;
  readonly ledger: Oid;
  readonly index: Oid | null;
  readonly chunks: Oid | null;
  readonly names: { readonly ledger: RefName; readonly index: RefName; readonly chunks: RefName };
}

/** An epoch's transactions, oldest first, bound to each other; every trailer that doesn't bind is a fault. */
export async function readTransactions(context: VerifyContext, tips: EpochTips): Promise<Transaction[]> {
  const { findings, ns } = context;
  const { names, label } = tips;
  const chains = {
    ledger: await wholeChain(context, names.ledger, tips.ledger, parseLedgerMessage),
    index: tips.index === null ? [] : await wholeChain(context, names.index, tips.index, parseIndexMessage),
    chunks: tips.chunks === null ? [] : await wholeChain(context, names.chunks, tips.chunks, parseChunksMessage),
  };
  const emit = about(findings.emit, { epoch: label });
  const transactions = pairPresent(emit, ns, chains);
  checkUsedOnce(emit, chains.ledger);
  checkOneRepository(emit, chains.ledger, context.repositoryId);
  for (const [i, one] of transactions.entries()) {
    const { oid, trailers: t } = one.ledger;
    if (t === null) continue;
    if (one.index === null && tips.index !== null)
      findings.fault(`commit ${oid} (transaction ${t.txn}) has no index commit`, { ref: names.index, commit: oid });
    checkBinding(about(findings.emit, { epoch: t.epoch }), ns, one, parentOf(one, transactions[i - 1]));
  }
  return transactions;
}

/** A ref's commits back to the first, oldest first, with what they say. A break is a fault, and what is newer than it is given. */
export async function wholeChain<T>(
  context: VerifyContext,
  ref: RefName,
  tip: Oid,
  parse: (message: string, oid: Oid) => T,
): Promise<Attested<T>[]> {
  const { store, findings, onProgress } = context;
  const links = await readChain(store, findings.emit, {
    ref,
    old: null,
    next: tip,
    limit: Number.POSITIVE_INFINITY,
    onProgress: (commits) => onProgress(`${commits} commits of ${ref}`),
  });
  await refuseShallow(context, ref, links[0]);
  return attested(findings.emit, ref, links, parse);
}

/** In a shallow clone, what came before can't be told from what was taken away. */
async function refuseShallow({ store }: VerifyContext, ref: RefName, oldest: Link | undefined): Promise<void> {
  const parent = oldest?.commit.parents[0];
  if (oldest === undefined || parent === undefined || store.capabilities.shallow !== true) return;
  const [header] = await store.headers([parent]);
  if (header) return;
  throw new KvError(
    'NOT_SUPPORTED',
    `${ref} ends at ${oldest.oid.slice(0, 12)} in this shallow clone, so that nothing can be verified`,
    { hint: 'bring the rest: git fetch --unshallow; or verify in another clone' },
  );
}

/** What a transaction builds on, as far as that is here: what comes before a break in the chain is not. */
function parentOf({ ledger }: Transaction, before: Transaction | undefined): Parent | 'epoch' | 'unknown' {
  if (before !== undefined) {
    const t = before.ledger.trailers;
    const said = t === null ? {} : { epoch: t.epoch, parentEpoch: t.parentEpoch };
    return { ledgerTree: before.ledger.commit.tree, ...said };
  }
  if (ledger.commit.parents.length > 0) return 'unknown';
  if (ledger.trailers !== null && ledger.trailers.parentEpoch !== null) return 'epoch';
  return { ledgerTree: null, epoch: null, parentEpoch: null };
}
