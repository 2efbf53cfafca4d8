import type { Visible } from '../../../domain/client/remote/wait.js';
import type { Receipt } from '../../../domain/client/write/receipt.js';
import { quoteKey } from '../../../domain/ledger/value/key.js';
import { formatBytes, formatCount } from './units.js';

const MAX_SHOWN = 20;
const MAX_LOST = 3;

/** What a write did, for people. */
export function receiptText(receipt: Receipt, dryRun: boolean): string {
  const { set, del, unchanged, bytes, ns, epoch, commit, txn, tree, retries, landed } = receipt;
  const counts = `set ${formatCount(set.length)}, deleted ${formatCount(del.length)}`;
  const same = unchanged.length === 0 ? '' : `, unchanged ${formatCount(unchanged.length)}`;
  const nothing = set.length + del.length === 0;
  const done = nothing ? `nothing to change${same}` : `${counts}${same} · ${formatBytes(bytes)}`;
  const head = `${dryRun ? 'dry run: ' : ''}${done} · ${ns}@${epoch}`;
  const lines = [
    head,
    ...(dryRun ? [...keyLines('set   ', set), ...keyLines('delete', del)] : []),
    ...receipt.chunked.map(
      ({ key, size, chunks, reused, newBytes }) =>
        `${quoteKey(key)}: ${formatBytes(newBytes)} new of ${formatBytes(size)}, ${formatCount(reused)} of ${formatCount(chunks)} chunks reused`,
    ),
    ...(commit === null ? [] : [`commit  ${commit}`]),
    ...(txn === null ? [] : [`txn     ${txn}`]),
    ...(tree === null ? [] : [`tree    ${tree}`]),
    ...(retries === 0 ? [] : [`retried ${retries === 1 ? 'once' : `${retries} times`}: others had written meanwhile`]),
    ...(landed === 'clone' ? ['kept in this clone only: it has no remote'] : []),
    ...(landed === 'reality' ? ['tried in the reality only: git kv reality promote makes it true'] : []),
  ];
  return `${lines.join('\n')}\n`;
}

/** What a dry run would change; of many keys, the first. */
function keyLines(verb: string, keys: readonly string[]): string[] {
  const shown = keys.slice(0, MAX_SHOWN).map((key) => `  ${verb}  ${key}`);
  const more = keys.length - shown.length;
  return more === 0 ? shown : [...shown, `  ${verb}  ${formatCount(more)} more: --json names them`];
}

/** What a write did, as `--json` shows it; `visible` is null when nobody waited for the mirror. */
export function receiptDocument(receipt: Receipt, visible: Visible | null, dryRun: boolean): object {
  const seen = visible === null ? null : { watermark: visible.watermark, waited_ms: visible.waitedMs };
  const chunked = receipt.chunked.map(({ newBytes, ...rest }) => ({ ...rest, new_bytes: newBytes }));
  const { lostTtl, ...rest } = receipt;
  return { ok: true, dry_run: dryRun, ...rest, lost_ttl: lostTtl, chunked, visible: seen };
}

/** What a writer should know of a write that has landed, a line each. */
export function receiptWarnings({ warnings, lostTtl }: Receipt): string[] {
  const [first] = lostTtl;
  if (first === undefined) return [...warnings];
  const shown = lostTtl.slice(0, MAX_LOST).map(quoteKey).join(', ');
  const more = lostTtl.length > MAX_LOST ? ` and ${formatCount(lostTtl.length - MAX_LOST)} more` : '';
  const lost = lostTtl.length === 1 ? `key ${shown} had a TTL` : `${formatCount(lostTtl.length)} keys had a TTL: ${shown}${more}`;
  return [...warnings, `${lost}, and none is left: --keep-ttl keeps it, --ttl none says that it is to go`];
}
