import { KvError } from '../../../ports/error.js';
import type { Oid, RefName } from '../../../ports/vocabulary.js';
import {
  type ChunksTrailers,
  type IndexTrailers,
  type LedgerTrailers,
  parseChunksMessage,
  parseIndexMessage,
  parseLedgerMessage,
} from '../../ledger/attestation.js';
import { type Commit, decodeCommit } from '../../git/commit.js';
import { isEpochLabel } from '../../../ports/grammar/namespace.js';
import { isUlid } from '../../ledger/ulid.js';
import type { VerifyContext } from './context.js';
import type { Place } from './findings.js';

/** A commit of a chain; trailers are null where they can't be read. */
export interface Link<T> {
  readonly oid: Oid;
  readonly commit: Commit;
  readonly trailers: T | null;
}

/** A transaction's commits, as far as they are there. */
export interface Transaction {
  readonly ledger: Link<LedgerTrailers>;
  readonly index: Link<IndexTrailers> | null;
  readonly chunks: Link<ChunksTrailers> | null;
}

/** The commits from a tip back to the first, oldest first. A break is a fault, and what is newer than it is given. */
export async function readChain<T>(
  context: VerifyContext,
  ref: RefName,
  tip: Oid,
  parse: (message: string, oid: Oid) => T,
): Promise<Link<T>[]> {
  const { store, findings } = context;
  const links: Link<T>[] = [];
  for (let at: Oid | undefined = tip; at !== undefined; ) {
    const oid: Oid = at;
    const [object] = await store.read([oid]);
    const place = { ref, commit: oid };
    if (object?.type !== 'commit') {
      const link = links.at(-1);
      if (!object && link !== undefined && store.capabilities.shallow === true) throw cutOff(ref, link.oid);
      const from = link === undefined ? `${ref} points to` : `commit ${link.oid} goes on from`;
      findings.fault(`${from} ${oid}, which is ${object ? 'no commit' : 'missing or damaged'}`, place);
      break;
    }
    try {
      const commit = decodeCommit(object.body, oid, store.objectFormat);
      links.push({ oid, commit, trailers: trailersOf(context, place, () => parse(commit.message, oid)) });
      if (commit.parents.length > 1) findings.fault(`commit ${oid} is a merge`, place);
      at = commit.parents[0];
    } catch (error) {
      findings.thrown(error, place);
      break;
    }
    if (links.length % 1000 === 0) context.onProgress(`${links.length} commits of ${ref}`);
  }
  return links.reverse();
}

/** What came before can't be told from what was taken away. */
function cutOff(ref: RefName, oldest: Oid): KvError {
  return new KvError(
    'NOT_SUPPORTED',
    `${ref} ends at ${oldest.slice(0, 12)} in this shallow clone, so that nothing can be verified`,
    {
      hint: 'bring the rest: git fetch --unshallow; or verify in another clone',
    },
  );
}

function trailersOf<T>({ findings }: VerifyContext, place: Place, parse: () => T): T | null {
  try {
    return parse();
  } catch (error) {
    findings.thrown(error, place);
    return null;
  }
}

export interface EpochTips {
  readonly ledger: Oid;
  readonly index: Oid | null;
  readonly chunks: Oid | null;
  readonly names: { readonly ledger: RefName; readonly index: RefName; readonly chunks: RefName };
}

/** An epoch's transactions, bound to each other; every trailer that doesn't bind is a fault. */
export async function readEpoch(context: VerifyContext, tips: EpochTips): Promise<Transaction[]> {
  const { names } = tips;
  const ledger = await readChain(context, names.ledger, tips.ledger, parseLedgerMessage);
  const index = tips.index === null ? [] : await readChain(context, names.index, tips.index, parseIndexMessage);
  const chunks = tips.chunks === null ? [] : await readChain(context, names.chunks, tips.chunks, parseChunksMessage);
  const transactions = pair(context, ledger, index, chunks, tips);
  for (const [i, one] of transactions.entries()) bind(context, one, transactions[i - 1] ?? null);
  return transactions;
}

function pair(
  { findings }: VerifyContext,
  ledger: readonly Link<LedgerTrailers>[],
  index: readonly Link<IndexTrailers>[],
  chunks: readonly Link<ChunksTrailers>[],
  { names, index: indexTip }: EpochTips,
): Transaction[] {
  const byTxn = <T extends { readonly txn: string }>(links: readonly Link<T>[]): Map<string, Link<T>> =>
    new Map(links.flatMap((link) => (link.trailers === null ? [] : [[link.trailers.txn, link] as const])));
  const [indexes, chunkses] = [byTxn(index), byTxn(chunks)];
  const transactions = ledger.map((link) => {
    const txn = link.trailers?.txn ?? '';
    const own = { index: indexes.get(txn) ?? null, chunks: chunkses.get(txn) ?? null };
    if (own.index === null && indexTip !== null && link.trailers !== null)
      findings.fault(`commit ${link.oid} (transaction ${txn}) has no index commit`, { ref: names.index, commit: link.oid });
    indexes.delete(txn);
    chunkses.delete(txn);
    return { ledger: link, ...own };
  });
  for (const { oid } of indexes.values())
    findings.fault(`index commit ${oid} belongs to no ledger commit`, { ref: names.index, commit: oid });
  for (const { oid } of chunkses.values())
    findings.fault(`chunks commit ${oid} belongs to no ledger commit`, { ref: names.chunks, commit: oid });
  return transactions;
}

/** Holds a transaction's trailers against its trees, and against the transaction before it. */
function bind({ findings, ns }: VerifyContext, { ledger, index, chunks }: Transaction, before: Transaction | null): void {
  const t = ledger.trailers;
  if (t === null) return;
  const expect = (what: string, actual: string | null, wanted: string | null): void => {
    if (actual !== wanted)
      findings.fault(`commit ${ledger.oid}: ${what} is ${actual ?? '-'}, expected ${wanted ?? '-'}`, {
        epoch: t.epoch,
        commit: ledger.oid,
      });
  };
  expect('KV-NS', t.ns, ns);
  if (!isUlid(t.txn)) expect('KV-Txn', t.txn, 'a ULID');
  if (!isEpochLabel(t.epoch)) expect('Epoch', t.epoch, 'a legal label');
  if (before !== null) {
    expect('Base-Tree', t.baseTree, before.ledger.commit.tree);
    expect('Parent-Ledger', t.parentLedger, null);
    if (before.ledger.trailers !== null) {
      expect('Epoch', t.epoch, before.ledger.trailers.epoch);
      expect('Parent-Epoch', t.parentEpoch, before.ledger.trailers.parentEpoch);
    }
  } else if (ledger.commit.parents.length === 0) {
    expect('Base-Tree', t.baseTree, t.parentEpoch === null ? null : ledger.commit.tree);
    if ((t.parentEpoch === null) !== (t.parentLedger === null))
      expect('Parent-Ledger', t.parentLedger, t.parentEpoch === null ? null : 'a commit');
  }
  if (index !== null) {
    expect('KV-Index-Tree', t.indexTree, index.commit.tree);
    if (index.trailers !== null) {
      expect('KV-NS of the index commit', index.trailers.ns, ns);
      expect('KV-Ledger-Tree', index.trailers.ledgerTree, ledger.commit.tree);
    }
    const parent = before?.index?.oid ?? null;
    if (before !== null && parent !== null && index.commit.parents[0] !== parent)
      expect("the index commit's parent", index.commit.parents[0] ?? null, parent);
  }
  if (chunks !== null) {
    expect('KV-Chunks-Tree', t.chunksTree, chunks.commit.tree);
    if (chunks.trailers !== null) expect('KV-NS of the chunks commit', chunks.trailers.ns, ns);
  }
}
