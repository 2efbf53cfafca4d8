import type { HistoryEntry } from '../../../domain/client/history.js';
import { formatBytes, formatTimeShort } from './units.js';

const SHORT = 10;
const WIDTHS = [20, 4, 10, 26, 30] as const;

export const HISTORY_HEAD = row(['time', 'op', 'size', 'txn', 'by', 'commit']);

/** Time, operation, size, transaction, signer or author, commit. */
export function historyLine({ time, op, size, txn, author, signer, commit }: HistoryEntry): string {
  return row([
    formatTimeShort(time),
    op,
    size === null ? '-' : formatBytes(size),
    txn,
    signer === null || signer === '-' ? author : signer,
    commit.slice(0, SHORT),
  ]);
}

function row(cells: readonly string[]): string {
  return cells.map((cell, i) => (i === 2 ? cell.padStart(WIDTHS[i] ?? 0) : cell.padEnd(WIDTHS[i] ?? 0))).join('  ');
}

export function historyDocument({
  commit,
  txn,
  epoch,
  time,
  author,
  signed,
  signer,
  received,
  op,
  size,
  oid,
  subject,
}: HistoryEntry): object {
  return { commit, txn, epoch, time, author, signed, signer, received, op, size, oid, subject };
}
