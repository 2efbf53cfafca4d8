import type { Oid } from '../../../ports/vocabulary.js';
import {
  type ChunksTrailers,
  type IndexTrailers,
  type LedgerTrailers,
  parseChunksMessage,
  parseIndexMessage,
  parseLedgerMessage,
} from '../../ledger/attestation.js';
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

/** Pairs what there is of chains by the transactions they name; an index or chunks commit that no ledger commit wants is a fault. */
export function pairByName(
  emit: Emit,
  ns: string,
  chains: Chains<Attested<LedgerTrailers>, Attested<IndexTrailers>, Attested<ChunksTrailers>>,
): Transaction[] {
  const [indexes, chunks] = [byTxn(chains.index), byTxn(chains.chunks)];
  const transactions = chains.ledger.map((ledger) => {
    const t = ledger.trailers;
    const index = t === null ? undefined : indexes.get(t.txn)?.shift();
    const chunk = t === null || t.chunksTree === null ? undefined : chunks.get(t.txn)?.shift();
    return { ledger, index: index ?? null, chunks: chunk ?? null };
  });
  checkOrder(emit, transactions);
  for (const { oid } of [...indexes.values()].flat()) emit(lonely(ns, 'index', oid));
  for (const { oid } of [...chunks.values()].flat()) emit(lonely(ns, 'chunks', oid));
  return transactions;
}

function byTxn<T extends { readonly txn: string }>(links: readonly Attested<T>[]): Map<string, Attested<T>[]> {
  const found = new Map<string, Attested<T>[]>();
  for (const link of links) {
    if (link.trailers === null) continue; // a fault already
    const { txn } = link.trailers;
    const same = found.get(txn);
    if (same === undefined) found.set(txn, [link]);
    else same.push(link);
  }
  return found;
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
