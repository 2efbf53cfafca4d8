import type { DifferingRef, SyncReport } from '../../../../domain/admin/sync.js';
import { printable } from '../../../../ports/grammar/printable.js';
import { formatMany } from '../units.js';

const DONE: Readonly<Record<string, string>> = {
  push: 'pushed',
  overwrite: 'overwritten',
  delete: 'deleted',
  adopt: 'taken over',
  none: 'left',
};

/** What `stargate sync` found and did, for people: a line a ref, then what is left. */
export function syncText(report: SyncReport): string {
  const { mirror, mode, dry_run: dry, same, refs, namespaces, bundle } = report;
  if (refs.length === 0) return `the Stargate and ${printable(mirror)} are the same: ${same} refs\n`;
  const lines = refs.map((one) => refLine(one, dry, mode === 'audit'));
  for (const { ns, transactions, fault } of namespaces) {
    if (fault !== null) lines.push(`${printable(ns)}: ${printable(fault)}`);
    else lines.push(`${printable(ns)}: the mirror has ${formatMany(transactions ?? 0, 'transaction')} more, verified`);
  }
  lines.push(`${same} refs are the same`);
  if (bundle !== null) lines.push(`what the mirror had is kept in ${printable(bundle)}`);
  return `${lines.join('\n')}\n`;
}

function refLine({ ref, here, there, state, action }: DifferingRef, dry: boolean, audit: boolean): string {
  const did = audit
    ? ''
    : action === 'none'
      ? ', left'
      : dry
        ? `, would be ${DONE[action] ?? action}`
        : `, ${DONE[action] ?? action}`;
  return `${printable(ref)}: ${printable(state)} (here ${short(here)}, there ${short(there)})${printable(did)}`;
}

const short = (oid: string | null): string => (oid === null ? '-' : printable(oid.slice(0, 12)));
