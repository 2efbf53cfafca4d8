import { formatBytes } from './units.js';

interface CompactReport {
  readonly ns: string;
  readonly current: string;
  readonly keep_epochs: number | null;
  readonly kept: readonly string[];
  readonly dry_run: boolean;
  readonly epochs: readonly { readonly epoch: string; readonly bundle: string | null; readonly bundle_bytes: number }[];
  readonly bytes_freed: number;
  readonly reclaimed: boolean;
}

/** What `compact` did, or would do, for people. */
export function compactText(answer: unknown): string {
  const report = answer as CompactReport;
  const { ns, current, epochs, kept, dry_run: dry, bytes_freed: freed } = report;
  const rest = `kept: ${[current, ...kept].join(' ')}\n`;
  if (epochs.length === 0) {
    const why =
      report.keep_epochs === null
        ? 'the policy keeps every epoch (retention.keep_epochs is not set); name one with --epoch LABEL'
        : `the policy keeps ${report.keep_epochs} past epochs`;
    return `nothing to drop in ${ns}: ${why}\n${rest}`;
  }
  const lines = epochs.map(({ epoch, bundle, bundle_bytes: size }) =>
    dry
      ? `would drop ${ns}@${epoch}, bundle of about ${formatBytes(size)}\n`
      : `dropped ${ns}@${epoch}\nbundle  ${bundle} (${formatBytes(size)})\n`,
  );
  const space = dry
    ? `would free ${formatBytes(freed)}\n`
    : report.reclaimed
      ? `freed   ${formatBytes(freed)}\n`
      : 'no space freed yet: pushes were at hand. Run git kv compact again\n';
  return `${lines.join('')}${space}${rest}`;
}
