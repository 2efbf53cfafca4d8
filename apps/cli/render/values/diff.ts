import type { Diff, DiffSide, KeyChange } from '../../../../domain/client/history/diff.js';
import type { Moment } from '../../../../domain/client/past/at.js';
import { formatTime } from '../../../../domain/ledger/value/metadata.js';
import { formatBytes } from '../units.js';

const LETTERS: Readonly<Record<KeyChange['change'], string>> = { added: 'A', changed: 'M', removed: 'D', rewritten: 'R' };
const WIDTH = 10;

/** A letter, the size before and after, and the key. */
export function changeLine({ key, change, before, after }: KeyChange): string {
  return `${LETTERS[change]}  ${size(before)}  ${size(after)}  ${key}`;
}

function size(side: DiffSide | null): string {
  return (side === null ? '-' : formatBytes(side.size)).padStart(WIDTH);
}

/** A diff as `--json` shows it. */
export function diffDocument(ns: string, { from, to, changes }: Diff): object {
  return { ok: true, ns, from: momentDocument(from), to: momentDocument(to), changes };
}

function momentDocument({ ledger, time, by }: Moment): object {
  const { epoch, txn } = ledger.trailers;
  return { commit: ledger.oid, tree: ledger.commit.tree, txn, epoch, time: formatTime(time), by };
}
