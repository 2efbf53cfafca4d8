import type { CompactReport } from '../../../../domain/admin/compact.js';
import { printable } from '../../../../ports/grammar/printable.js';
import { formatBytes } from '../units.js';

/** What `compact` did, or would do, for people. */
export function compactText(report: CompactReport): string {
  const { epochs, dry_run: dry, bytes_freed: freed } = report;
  const ns = printable(report.ns);
  const rest = `kept: ${[report.current, ...report.kept].map(printable).join(' ')}\n`;
  if (epochs.length === 0) {
    const why =
      report.keep_epochs === null
        ? 'the policy keeps every epoch (retention.keep_epochs is not set); name one with --epoch LABEL'
        : `the policy keeps ${report.keep_epochs} past epochs`;
    return `nothing to drop in ${ns}: ${why}\n${rest}`;
  }
  const lines = epochs.map(({ epoch, bundle, bundle_bytes: size }) =>
    dry
      ? `would drop ${ns}@${printable(epoch)}, bundle of about ${formatBytes(size)}\n`
      : `dropped ${ns}@${printable(epoch)}\nbundle  ${printable(bundle ?? '-')} (${formatBytes(size)})\n`,
  );
  const space = dry
    ? `would free ${formatBytes(freed)}\n`
    : report.reclaimed
      ? `freed   ${formatBytes(freed)}\n`
      : 'no space freed yet: pushes were at hand. Run git kv compact again\n';
  return `${lines.join('')}${space}${rest}`;
}
