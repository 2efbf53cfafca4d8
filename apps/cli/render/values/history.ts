import type { HistoryEntry } from '../../../../domain/client/history/history.js';
import { attribution } from './attribution.js';
import { formatBytes, formatTimeShort } from '../units.js';
import { printable } from '../../../../ports/grammar/printable.js';

const SHORT = 10;
const WIDTHS = [20, 4, 10, 26, 30, SHORT] as const;
/** How the subjects begin that nobody has written. */
const GENERATED = 'kv: ';

/** What stands above the columns of a history on a terminal. */
export const HISTORY_HEAD = row(['time', 'op', 'size', 'txn', 'by', 'commit', 'message']);

/** Time, operation, size, transaction, signer or author, commit, and the message that the writer gave. */
export function historyLine({ time, op, size, txn, by, source, commit, subject, body }: HistoryEntry): string {
  return row([
    formatTimeShort(time),
    op,
    size === null ? '-' : formatBytes(size),
    printable(txn),
    attribution({ by, source }),
    commit.slice(0, SHORT),
    subject.startsWith(GENERATED) ? '' : `${printable(subject)}${body === '' ? '' : ' …'}`,
  ]);
}

function row(cells: readonly string[]): string {
  return cells
    .map((cell, i) => (i === 2 ? cell.padStart(WIDTHS[i] ?? 0) : cell.padEnd(WIDTHS[i] ?? 0)))
    .join('  ')
    .trimEnd();
}

/** An entry of a history as `--json` shows it. */
export function historyDocument({
  commit,
  txn,
  epoch,
  time,
  author,
  signed,
  signer,
  by,
  source,
  received,
  op,
  size,
  oid,
  subject,
  body,
}: HistoryEntry): object {
  return { commit, txn, epoch, time, author, signed, signer, by, source, received, op, size, oid, subject, body };
}
