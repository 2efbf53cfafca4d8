import type { Oid } from '../../../ports/vocabulary.js';
import type { ChunksTrailers, IndexTrailers, LedgerTrailers } from '../../ledger/transaction/attestation.js';
import { shownText } from '../../../ports/grammar/shown-text.js';
import { isEpochLabel } from '../../../ports/grammar/namespace.js';
import { isUlid } from '../../ledger/ulid.js';
import type { Emit, Fault } from '../fault.js';
import type { Transaction } from './pairs.js';

/** Holds one thing that a commit says against what it must be; `-` stands for null. */
export type Expect = (what: string, actual: string | number | null, wanted: string | number | null) => void;

/** What to do about a commit that is not as the format says. */
const NOT_AS_WRITTEN: Next = {
  hint: 'write through a client of git-kv, or compare with docs/FORMAT.md',
  advice: { id: 'write-through-client' },
};

/** What to do next, as a fault has it. */
type Next = Pick<Fault, 'hint' | 'advice'>;

/** An `Expect` whose faults name a commit; `wrong` says what is wrong with it, if not only that. */
export function expectation(emit: Emit, commit: Oid, wrong = '', next: Next = NOT_AS_WRITTEN): Expect {
  return (what, actual, wanted) => {
    if (actual === wanted) return;
    emit({
      code: 'ATTESTATION_MISMATCH',
      message: `commit ${commit}${wrong}: ${what} is ${shownText(String(actual ?? '-'))}, expected ${wanted ?? '-'}`,
      ...next,
      subject: { commit },
    });
  };
}

/** The state that a transaction builds on. Null: there is none; absent: it is not known here, and nothing is held against it. */
export interface Parent {
  readonly ledgerTree: Oid | null;
  /** Null while the namespace is new, so that the transaction names the epoch. */
  readonly epoch?: string | null;
  readonly parentEpoch?: string | null;
}

/**
 * Holds a transaction's trailers against each other, against the trees of its commits, and against what it builds on: a state,
 * nothing that is known here (`unknown`), or an epoch before its own, whose last state it begins with (`epoch`).
 */
export function checkBinding(emit: Emit, ns: string, one: Transaction, parent: Parent | 'epoch' | 'unknown'): void {
  const { ledger, index, chunks } = one;
  const t = ledger.trailers;
  if (t === null) return; // a fault already
  const expect = expectation(emit, ledger.oid);
  expect('KV-NS', t.ns, ns);
  if (!isUlid(t.txn)) emit(illegal(ledger.oid, 'KV-Txn is no ULID'));
  if (index !== null) {
    if (index.trailers !== null) expectIndex(expect, ns, t, index.trailers, ledger.commit.tree);
    expect('KV-Index-Tree', t.indexTree, index.commit.tree);
  }
  if (chunks !== null) {
    if (chunks.trailers !== null) expectChunks(expect, ns, t, chunks.trailers);
    expect('KV-Chunks-Tree', t.chunksTree, chunks.commit.tree);
  }
  if (!isEpochLabel(t.epoch)) emit(illegal(ledger.oid, 'Epoch is no legal label'));
  if (parent === 'unknown') return;
  if (parent === 'epoch') {
    expect('Base-Tree', t.baseTree, ledger.commit.tree);
    if (t.parentLedger === null) expect('Parent-Ledger', null, 'a commit');
    return;
  }
  expect('Base-Tree', t.baseTree, parent.ledgerTree);
  if (parent.epoch !== undefined && parent.epoch !== null) expect('Epoch', t.epoch, parent.epoch);
  if (parent.parentEpoch !== undefined) expect('Parent-Epoch', t.parentEpoch, parent.parentEpoch);
  expect('Parent-Ledger', t.parentLedger, null);
}

/** An index commit says of which transaction it is, and of which ledger tree. */
export function expectIndex(expect: Expect, ns: string, t: LedgerTrailers, index: IndexTrailers, ledgerTree: Oid): void {
  expect('KV-NS of the index commit', index.ns, ns);
  expect('KV-Txn of the index commit', index.txn, t.txn);
  expect('KV-Ledger-Tree', index.ledgerTree, ledgerTree);
}

/** A chunks commit says of which transaction it is. */
export function expectChunks(expect: Expect, ns: string, t: LedgerTrailers, chunks: ChunksTrailers): void {
  expect('KV-NS of the chunks commit', chunks.ns, ns);
  expect('KV-Txn of the chunks commit', chunks.txn, t.txn);
}

/** Holds the counts that a ledger commit attests against what its trees do. */
export function checkCounts(emit: Emit, ledger: Transaction['ledger'], set: number, del: number): void {
  const t = ledger.trailers;
  if (t === null || (set === t.keysSet && del === t.keysDel)) return;
  const what = `Keys-Set ${t.keysSet} and Keys-Del ${t.keysDel}, but the trees set ${set} and delete ${del}`;
  emit(illegal(ledger.oid, what));
}

function illegal(commit: Oid, what: string): Parameters<Emit>[0] {
  return { code: 'ATTESTATION_MISMATCH', message: `commit ${commit}: ${what}`, ...NOT_AS_WRITTEN, subject: { commit } };
}
