import type { VerifyReport } from '../../../domain/client/verify/verify.js';
import type { Finding, Note } from '../../../domain/client/verify/findings.js';
import { words } from '../hints/hint.js';
import { formatBytes, formatMany } from './units.js';

/** A fault, and where it was found as far as its words don't say. */
export function faultLine({ code, what, epoch, ref, commit, key }: Finding): string {
  const where = [
    ...(epoch === undefined ? [] : [`epoch ${epoch}`]),
    ...(ref === undefined || what.includes(ref) ? [] : [ref]),
    ...(commit === undefined || key === undefined || what.includes(commit) ? [] : [`commit ${commit.slice(0, 10)}`]),
  ];
  return `${code} ${what}${where.length === 0 ? '' : ` [${where.join(', ')}]`}`;
}

/** What a note says, and what can be done about it. */
export function noteText({ text, advice }: Note): string {
  return advice === undefined ? text : `${text}: ${words(advice)}`;
}

/** A line an epoch: what was checked. */
export function reportText({ ns, full, epochs, faults }: VerifyReport): string {
  const lines = epochs.map(({ label, transactions, keys, values, chunks, bytes }) => {
    const read = full
      ? `${formatMany(keys, 'change')} of keys, ${formatMany(values, 'value')} (${formatBytes(bytes)})`
      : formatMany(keys, 'key');
    return `${ns}@${label}: ${formatMany(transactions, 'transaction')}, ${read}, ${formatMany(chunks, 'chunk')}`;
  });
  if (faults.length === 0) lines.push('no fault');
  return `${lines.join('\n')}\n`;
}

/** The report for `--json`. */
export function reportDocument({ ns, full, epochs, faults, notes }: VerifyReport): Record<string, unknown> {
  const shown = epochs.map(({ label, ledger, root, transactions, keys, values, chunks, bytes }) => {
    return { epoch: label, ledger, root, transactions, keys, values, chunks, bytes };
  });
  return { ns, full, epochs: shown, faults, notes: notes.map(noteText) };
}
