import type { Oid } from '../../../ports/vocabulary.js';
import {
  type ChunksTrailers,
  type IndexTrailers,
  type LedgerTrailers,
  parseChunksMessage,
  parseIndexMessage,
  parseLedgerMessage,
} from '../../ledger/transaction/attestation.js';
import type { Attested, Link } from './chain.js';
import { attempt, type Emit, type Fault, type Subject } from '../fault.js';

/** A transaction's commits, as far as they are there and can be read. */
export interface Transaction {
  readonly ledger: Attested<LedgerTrailers>;
  readonly index: Attested<IndexTrailers> | null;
  readonly chunks: Attested<ChunksTrailers> | null;
}

/** A transaction that is whole: its commits, read but not yet believed. */
export interface PushedTransaction extends Transaction {
  readonly ledger: Link & { readonly trailers: LedgerTrailers };
  readonly index: Link & { readonly trailers: IndexTrailers };
  /** Null when the transaction added no chunks. */
  readonly chunks: (Link & { readonly trailers: ChunksTrailers }) | null;
}

/** The new commits of a namespace's three refs, oldest first. */
interface Chains<L = Link, I = Link, C = Link> {
  readonly ledger: readonly L[];
  readonly index: readonly I[];
  readonly chunks: readonly C[];
}

/**
 * Pairs chains that must be whole by their order, as they are pushed: the last commits of all three are then of one transaction.
 * `ATTESTATION_MISMATCH` when they don't pair up. Gives the transactions that can be read.
 */
export function pairInOrder(emit: Emit, ns: string, { ledger, index, chunks }: Chains): PushedTransaction[] {
  if (ledger.length !== index.length) emit(unpaired(ns, `${ledger.length} ledger commits but ${index.length} index commits`, {}));
  const left = [...chunks];
  const pairs = ledger.flatMap((link, i): PushedTransaction[] => {
    const trailers = read(emit, link, parseLedgerMessage);
    const other = index[i];
    if (trailers === null || other === undefined) return [];
    const indexTrailers = read(emit, other, parseIndexMessage);
    const chunk = trailers.chunksTree === null ? undefined : left.shift();
    if (trailers.chunksTree !== null && chunk === undefined)
      emit(unpaired(ns, `ledger commit ${link.oid} names chunks that were not pushed`, { commit: link.oid }));
    const chunkTrailers = chunk === undefined ? null : read(emit, chunk, parseChunksMessage);
    if (indexTrailers === null) return [];
    return [
      {
        ledger: { ...link, trailers },
        index: { ...other, trailers: indexTrailers },
        chunks: chunk === undefined || chunkTrailers === null ? null : { ...chunk, trailers: chunkTrailers },
      },
    ];
  });
  for (const { oid } of left) emit(lonely(ns, 'chunks', oid));
  return pairs;
}

const read = <T>(emit: Emit, { oid, commit }: Link, parse: (message: string, oid: Oid) => T): T | null =>
  attempt(emit, { commit: oid }, () => parse(commit.message, oid));

/**
 * Pairs what there is of chains: by their order from both ends, as far as they agree there, and by the transactions they name between,
 * where something is missing. An index or chunks commit that no ledger commit wants is a fault.
 */
export function pairPresent(
  emit: Emit,
  ns: string,
  chains: Chains<Attested<LedgerTrailers>, Attested<IndexTrailers>, Attested<ChunksTrailers>>,
): Transaction[] {
  const { ledger } = chains;
  const whole = begins(ledger);
  const indexes = aligned(ledger, chains.index, whole && begins(chains.index));
  const chunked = ledger.filter(({ trailers }) => trailers !== null && trailers.chunksTree !== null);
  const chunks = aligned(chunked, chains.chunks, whole && begins(chains.chunks));
  const transactions = ledger.map((link) => ({
    ledger: link,
    index: indexes.of.get(link) ?? null,
    chunks: chunks.of.get(link) ?? null,
  }));
  checkOrder(emit, transactions);
  for (const { oid } of indexes.left) emit(lonely(ns, 'index', oid));
  for (const { oid } of chunks.left) emit(lonely(ns, 'chunks', oid));
  return transactions;
}

/** What a commit of a chain says of its transaction. */
type Named = Attested<{ readonly txn: string }>;

/** The commits that belong to those of a ledger, and those that belong to none. */
interface Aligned<T> {
  readonly of: ReadonlyMap<Named, T>;
  readonly left: readonly T[];
}

/** Whether a chain goes back to its first commit. */
const begins = (chain: readonly Link[]): boolean => chain[0]?.commit.parents.length === 0;

/**
 * An id that was used twice leads astray where something is missing; the order of two chains doesn't, from their beginnings, where both
 * are whole, nor from their ends.
 */
function aligned<T extends Named>(ledger: readonly Named[], others: readonly T[], whole: boolean): Aligned<T> {
  const of = new Map<Named, T>();
  const agree = (a: Named | undefined, b: T | undefined): boolean => {
    const txn = a?.trailers?.txn;
    if (a === undefined || b === undefined || txn === undefined || b.trailers?.txn !== txn) return false;
    of.set(a, b);
    return true;
  };
  let begin = 0;
  while (whole && agree(ledger[begin], others[begin])) begin++;
  let [end, otherEnd] = [ledger.length, others.length];
  while (end > begin && otherEnd > begin && agree(ledger[end - 1], others[otherEnd - 1])) {
    end--;
    otherEnd--;
  }
  const byName = byTxn(others.slice(begin, otherEnd));
  for (const link of ledger.slice(begin, end)) {
    const found = link.trailers === null ? undefined : byName.get(link.trailers.txn)?.shift();
    if (found !== undefined) of.set(link, found);
  }
  return { of, left: [...byName.values()].flat() };
}

function byTxn<T extends Named>(links: readonly T[]): Map<string, T[]> {
  const found = new Map<string, T[]>();
  for (const link of links) {
    if (link.trailers === null) continue; // a fault already
    const { txn } = link.trailers;
    const same = found.get(txn);
    if (same === undefined) found.set(txn, [link]);
    else same.push(link);
  }
  return found;
}

/** An id that an epoch's ledger has more than once is a fault of the later ones: `TRANSACTION_REUSED`. */
export function checkUsedOnce(emit: Emit, ledger: readonly Attested<LedgerTrailers>[]): void {
  const first = new Map<string, Oid>();
  for (const { oid, trailers } of ledger) {
    if (trailers === null) continue; // a fault already
    const { txn } = trailers;
    const before = first.get(txn);
    if (before === undefined) {
      first.set(txn, oid);
      continue;
    }
    emit({
      code: 'TRANSACTION_REUSED',
      message: `commit ${oid} uses the id of transaction ${txn} again, which commit ${before} has`,
      hint: 'nothing is lost: two transactions have one name; a Stargate of this version takes no such one any more',
      subject: { commit: oid },
    });
  }
}

/** What is paired by name must also lie in the ledger's order. */
function checkOrder(emit: Emit, transactions: readonly Transaction[]): void {
  for (const [i, { ledger, index }] of transactions.entries()) {
    const wanted = transactions[i - 1]?.index?.oid;
    const parent = index?.commit.parents[0];
    if (index === null || wanted === undefined || parent === wanted) continue;
    emit({
      code: 'ATTESTATION_MISMATCH',
      message: `commit ${ledger.oid}: the index commit's parent is ${parent ?? '-'}, expected ${wanted}`,
      subject: { commit: ledger.oid },
    });
  }
}

function lonely(ns: string, kind: 'index' | 'chunks', commit: Oid): Fault {
  return unpaired(ns, `${kind} commit ${commit} belongs to no ledger commit`, { commit });
}

function unpaired(ns: string, what: string, subject: Subject): Fault {
  return {
    code: 'ATTESTATION_MISMATCH',
    message: `namespace ${ns}: ${what}`,
    hint: 'each transaction is one ledger commit, one index commit, and one chunks commit when it adds chunks',
    subject,
  };
}
