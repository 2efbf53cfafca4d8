import type { Visible } from '../../../domain/client/wait.js';
import type { Receipt } from '../../../domain/client/write.js';
import { quoteKey } from '../../../domain/key.js';
import { formatBytes, formatCount } from './units.js';

export function receiptText(receipt: Receipt, dryRun: boolean): string {
  const { set, del, unchanged, bytes, ns, epoch, commit, txn, tree, retries, landed } = receipt;
  const counts = `set ${formatCount(set.length)}, deleted ${formatCount(del.length)}`;
  const same = unchanged.length === 0 ? '' : `, unchanged ${formatCount(unchanged.length)}`;
  const nothing = set.length + del.length === 0;
  const done = nothing ? `nothing to change${same}` : `${counts}${same} · ${formatBytes(bytes)}`;
  const head = `${dryRun ? 'dry run: ' : ''}${done} · ${ns}@${epoch}`;
  const lines = [
    head,
    ...receipt.chunked.map(
      ({ key, size, chunks, reused, newBytes }) =>
        `${quoteKey(key)}: ${formatBytes(newBytes)} new of ${formatBytes(size)}, ${formatCount(reused)} of ${formatCount(chunks)} chunks reused`,
    ),
    ...(commit === null ? [] : [`commit  ${commit}`]),
    ...(txn === null ? [] : [`txn     ${txn}`]),
    ...(tree === null ? [] : [`tree    ${tree}`]),
    ...(retries === 0 ? [] : [`retried ${retries === 1 ? 'once' : `${retries} times`}: others had written meanwhile`]),
    ...(landed === 'clone' ? ['kept in this clone only: it has no remote'] : []),
  ];
  return `${lines.join('\n')}\n`;
}

export function receiptDocument(receipt: Receipt, visible: Visible | null, dryRun: boolean): object {
  const seen = visible === null ? null : { watermark: visible.watermark, waited_ms: visible.waitedMs };
  return { ok: true, dry_run: dryRun, ...receipt, visible: seen };
}
