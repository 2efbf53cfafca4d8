import { type ListedKey, type Listing, openListing } from '../../../domain/client/read/list.js';
import { KvError } from '../../../ports/error.js';
import { keyArgument } from '../parse/argument-bytes.js';
import { openSession } from '../session/session.js';
import type { ListFlags } from '../parse/flags.js';
import { freshnessOf } from '../parse/read-flags.js';
import { listedDocument, LONG_HEAD, longLine } from '../render/values/list.js';
import { print, transferLine } from '../io/terminal.js';
import { countFlag } from '../parse/units.js';

const BUFFERED = 32_768;

/** `git kv list`, shared by the oclif command and by the fast path. */
export async function runList(flags: ListFlags): Promise<void> {
  const { prefix = '', after, limit, long = false, json = false } = flags;
  if (prefix !== '') keyArgument(prefix);
  if (after !== undefined) keyArgument(after);
  if (json && flags.null)
    throw new KvError('USAGE', '--json and --null contradict each other', { hint: 'leave one of them out' });
  if (flags.values && long && !json)
    throw new KvError('USAGE', '--values and --long contradict each other, but for --json', { hint: 'leave one of them out' });
  const freshness = freshnessOf(flags);
  const range = {
    ...(after === undefined ? {} : { after }),
    ...(flags.at === undefined ? {} : { at: flags.at }),
    ...(limit === undefined ? {} : { limit: countFlag('limit', limit) }),
  };
  const { clone, ns, composition } = await openSession({
    ns: flags.ns,
    reality: flags.reality,
    onProgress: json ? undefined : transferLine(),
    offline: freshness.offline,
  });
  try {
    const listing = await openListing(clone, {
      ns,
      prefix,
      long,
      allowExpired: flags['allow-expired'] === true,
      ...freshness,
      ...range,
    });
    if (flags.values === true) {
      const { printValues } = await import('./get-many.js');
      await printValues({ clone, ns }, { listing, long }, flags);
    } else if (json) await printDocument(ns, listing);
    else if (long && !flags.null) await printLong(listing.keys);
    else await printAll(listing.keys, (item) => `${long ? longLine(item) : item.key}${flags.null ? '\0' : '\n'}`);
  } finally {
    await composition.close();
  }
}

/** Prints in pieces of a size that a pipe takes well. */
async function printAll(keys: AsyncIterable<ListedKey>, render: (item: ListedKey) => string): Promise<void> {
  let pending = '';
  for await (const item of keys) {
    pending += render(item);
    if (pending.length < BUFFERED) continue;
    await print(pending);
    pending = '';
  }
  await print(pending);
}

/** Lines under a head, which is left out when there is nothing. */
async function printLong(keys: AsyncIterable<ListedKey>): Promise<void> {
  let head = `${LONG_HEAD}\n`;
  await printAll(keys, (item) => {
    const line = `${head}${longLine(item)}\n`;
    head = '';
    return line;
  });
}

/** One JSON document, printed as the keys come. Nothing is printed before the first has come, so that an error can stand alone. */
async function printDocument(ns: string, { ledger, keys }: Listing): Promise<void> {
  const state = { ok: true, ns, commit: ledger.oid, tree: ledger.commit.tree, epoch: ledger.trailers.epoch };
  const head = `${JSON.stringify(state).slice(0, -1)},"keys":[`;
  let first = true;
  await printAll(keys, (item) => {
    const start = first ? head : ',\n';
    first = false;
    return `${start}${JSON.stringify(listedDocument(item))}`;
  });
  await print(first ? `${head}]}\n` : ']}\n');
}
