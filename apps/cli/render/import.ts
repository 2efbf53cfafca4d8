import type { ImportReport } from '../../../domain/client/transfer/import/import.js';
import { formatBytes, formatCount } from './units.js';

const NAMES: Readonly<Record<ImportReport['format'], string>> = {
  snapshot: 'snapshot',
  batch: 'batch',
  consul: 'Consul export',
  etcd: 'etcd export',
};

/** What an import did, for people. */
export function importText(report: ImportReport, dryRun: boolean): string {
  const { ns, format, operations, skipped, set, del, unchanged, bytes, transactions, last, visible } = report;
  const same = unchanged === 0 ? '' : `, unchanged ${formatCount(unchanged)}`;
  const left = skipped === 0 ? '' : `, skipped ${formatCount(skipped)}`;
  const count = transactions.length;
  const many = count === 1 ? '1 transaction' : `${formatCount(count)} transactions`;
  const lines = [
    `${dryRun ? 'dry run: ' : ''}${NAMES[format]} of ${formatCount(operations)} operations: set ${formatCount(set)}, deleted ${formatCount(del)}${same}${left} · ${formatBytes(bytes)} · ${many} · ${ns}${last === null ? '' : `@${last.epoch}`}`,
    ...(last?.commit == null ? [] : [`commit  ${last.commit}`]),
    ...(last?.txn == null ? [] : [`txn     ${last.txn}`]),
    ...(last?.tree == null ? [] : [`tree    ${last.tree}`]),
    ...(last?.landed === 'clone' ? ['kept in this clone only: it has no remote'] : []),
    ...(last?.landed === 'reality' ? ['tried in the reality only: git kv reality promote makes it true'] : []),
    ...(visible === null ? [] : [`visible at the mirror after ${(visible.waitedMs / 1000).toFixed(1)} s`]),
  ];
  return `${lines.join('\n')}\n`;
}

/** What an import did, as `--json` shows it. */
export function importDocument({ last, visible, ...report }: ImportReport, dryRun: boolean): object {
  const seen = visible === null ? null : { watermark: visible.watermark, waited_ms: visible.waitedMs };
  const { commit, txn, tree, epoch, landed } = last ?? { commit: null, txn: null, tree: null, epoch: null, landed: 'nowhere' };
  return { ok: true, dry_run: dryRun, ...report, commit, txn, tree, epoch, landed, visible: seen };
}
