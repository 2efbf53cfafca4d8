import type { Clone } from '../../../domain/client/clone/clone.js';
import { type Listing, type ListedKey, openListing } from '../../../domain/client/read/list.js';
import type { Reading } from '../../../domain/client/read/read.js';
import { type ReadManyRequest, readMany, type ReadOutcome } from '../../../domain/client/read/read-many.js';
import { readChunks } from '../../../domain/client/read/value.js';
import { quoteKey } from '../../../domain/ledger/value/key.js';
import { KvError } from '../../../ports/error.js';
import { print, printJson, transferLine } from '../io/terminal.js';
import { keyArgument } from '../parse/argument-bytes.js';
import type { GetFlags, ListFlags } from '../parse/flags.js';
import { freshnessOf } from '../parse/read-flags.js';
import { listedDocument } from '../render/values/list.js';
import { collect, content, readingDocument } from '../render/values/reading.js';
import { errorFields } from '../render/report-error.js';
import { formatBytes, formatMany } from '../render/units.js';
import { valueLine } from '../render/values/value-line.js';
import { openSession } from '../session/session.js';

const SHOWN = 10;

/** `git kv get` of several keys, or of a prefix: one process and one state for all of them. */
export async function runGetMany(keys: readonly string[], flags: GetFlags): Promise<void> {
  checkFlags(keys, flags);
  const freshness = freshnessOf(flags);
  for (const key of keys) keyArgument(key);
  const { clone, ns, composition } = await openSession({
    ns: flags.ns,
    reality: flags.reality,
    onProgress: flags.json ? undefined : transferLine(),
    offline: freshness.offline,
  });
  const at = flags.at === undefined ? {} : { at: flags.at };
  const request = { ns, allowExpired: flags['allow-expired'] === true, ...freshness, ...at };
  try {
    if (flags.prefix === undefined) {
      await printAll(clone, ns, readMany(clone, request, keys), flags);
      return;
    }
    const listing = await openListing(clone, { ...request, prefix: flags.prefix, long: false });
    const count = await printAll(clone, ns, readMany(clone, request, keysOf(listing), listing), flags);
    if (count === 0 && flags.json) await printJson({ ...stateOf(ns, listing), keys: [] });
  } finally {
    await composition.close();
  }
}

/** `git kv list --values`: as `get --prefix`, within a list's own range. With `--json`, one document, as `list` gives it. */
export async function printValues(
  { clone, ns }: { readonly clone: Clone; readonly ns: string },
  { listing, long }: { readonly listing: Listing; readonly long: boolean },
  flags: ListFlags,
): Promise<void> {
  const request: ReadManyRequest = { ns, allowExpired: true, ...freshnessOf(flags) };
  if (!flags.json) {
    await printAll(clone, ns, readMany(clone, request, keysOf(listing), listing), flags);
    return;
  }
  const listed = new Map<string, ListedKey>();
  const noted = async function* (): AsyncGenerator<string> {
    for await (const item of listing.keys) {
      if (long) listed.set(item.key, item);
      yield item.key;
    }
  };
  let head = `${JSON.stringify(stateOf(ns, listing)).slice(0, -1)},"keys":[`;
  for await (const outcome of readMany(clone, request, noted(), listing)) {
    if (!('reading' in outcome)) continue; // what is listed is there
    const { key, reading } = outcome;
    const document = listedDocument(listed.get(key) ?? { key });
    listed.delete(key);
    await print(`${head}${JSON.stringify({ ...document, ...content(await bytesOf(clone, reading)) })}`);
    head = ',\n';
  }
  await print(head === ',\n' ? ']}\n' : `${head}]}\n`);
}

function stateOf(ns: string, { ledger }: Listing): object {
  return { ok: true, ns, commit: ledger.oid, tree: ledger.commit.tree, epoch: ledger.trailers.epoch };
}

async function* keysOf({ keys }: Listing): AsyncGenerator<string> {
  for await (const { key } of keys) yield key;
}

function checkFlags(keys: readonly string[], flags: GetFlags): void {
  const wrong =
    keys.length === 0 && flags.prefix === undefined
      ? 'no key: give KEY, or --prefix'
      : keys.length > 0 && flags.prefix !== undefined
        ? 'KEY and --prefix contradict each other'
        : flags.json && flags.null
          ? '--json and -z contradict each other'
          : flags.output !== undefined || flags.raw
            ? `${flags.raw ? '--raw' : '--output'} wants one key, and neither --prefix nor -z`
            : undefined;
  if (wrong === undefined) return;
  throw new KvError('USAGE', wrong, { hint: 'see: git kv get -h' });
}

/** Prints what is read as it comes, and gives how many keys that was. Throws the first error at the end, when some could not be read or shown. */
async function printAll(
  clone: Clone,
  ns: string,
  outcomes: AsyncIterable<ReadOutcome>,
  flags: Pick<GetFlags, 'json' | 'null'>,
): Promise<number> {
  const failed: { readonly key: string; readonly error: KvError }[] = [];
  let count = 0;
  for await (const outcome of outcomes) {
    count++;
    if ('error' in outcome) {
      failed.push(outcome);
      if (flags.json) await printJson({ ok: false, ns, key: outcome.key, error: errorFields(outcome.error) });
      continue;
    }
    const { key, reading } = outcome;
    const bytes = await bytesOf(clone, reading);
    if (flags.json) {
      await printJson(readingDocument(ns, reading, content(bytes)));
      continue;
    }
    const record = flags.null ? exactRecord(key, bytes) : lineRecord(key, bytes);
    if (KvError.is(record)) failed.push({ key, error: record });
    else await print(record);
  }
  const [first] = failed;
  if (first === undefined) return count;
  if (count === 1) throw first.error;
  const { code, hint, advice } = first.error;
  const shown = failed.slice(0, SHOWN).map(({ key, error }) => `${quoteKey(key)} (${WHY[error.code] ?? error.code})`);
  const more = failed.length > SHOWN ? ` and ${failed.length - SHOWN} more` : '';
  throw new KvError(code, `${formatMany(failed.length, 'key')} of ${count} could not be read: ${shown.join(', ')}${more}`, {
    ...(hint === undefined ? {} : { hint }),
    ...(advice === undefined ? {} : { advice }),
  });
}

const WHY: Readonly<Record<string, string>> = { NOT_FOUND: 'not there', EXPIRED: 'expired', USAGE: 'binary' };

/** Key and value in a line. What would stand there for a binary value could be another key's value. */
function lineRecord(key: string, value: Uint8Array): string | KvError {
  const line = valueLine(value);
  return line === undefined
    ? new KvError('USAGE', `value of ${quoteKey(key)} is binary (${formatBytes(value.length)}), which is no line`, {
        hint: 'use --json, which gives it as value_b64',
      })
    : `${key}\t${line}\n`;
}

/** Key and value, each with a NUL behind it: a value that has one itself can't be told from two. */
function exactRecord(key: string, value: Uint8Array): string | Uint8Array | KvError {
  if (value.includes(0)) {
    return new KvError('USAGE', `value of ${quoteKey(key)} is binary and has a NUL byte, by which -z would end it`, {
      hint: 'use --json, which gives it as value_b64',
    });
  }
  const record = Buffer.concat([Buffer.from(`${key}\0`), value, Buffer.of(0)]);
  return process.stdout.isTTY ? record.toString() : record;
}

async function bytesOf(clone: Clone, { value }: Reading): Promise<Uint8Array> {
  return value instanceof Uint8Array ? value : collect(readChunks(clone, value));
}
