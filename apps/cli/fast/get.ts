import type { Clone } from '../../../domain/client/clone/clone.js';
import { type Reading, readKey, type ReadRequest } from '../../../domain/client/read/read.js';
import { readChunks } from '../../../domain/client/read/value.js';
import { decodeUtf8 } from '../../../domain/git/bytes.js';
import { KvError } from '../../../ports/error.js';
import { keyArgument } from '../parse/argument-bytes.js';
import { openSession } from '../session/session.js';
import { writeFileAtomically } from '../io/files.js';
import type { FlagValues, GET_FLAGS, GlobalValues } from '../parse/flags.js';
import { freshnessOf } from '../parse/read-flags.js';
import { formatBytes } from '../render/units.js';
import { Progress, print, printJson, transferLine } from '../io/terminal.js';

/** The flags of `get`, as they were given. */
export type GetFlags = GlobalValues & FlagValues<typeof GET_FLAGS>;

/** `git kv get`, shared by the oclif command and by the fast path. */
export async function runGet(key: string, flags: GetFlags): Promise<void> {
  if (flags.raw && flags.json)
    throw new KvError('USAGE', '--raw and --json contradict each other', { hint: 'leave one of them out' });
  const freshness = freshnessOf(flags);
  keyArgument(key);
  const { clone, ns, composition } = await openSession({
    ns: flags.ns,
    onProgress: flags.json ? undefined : transferLine(),
    offline: freshness.offline,
  });
  try {
    const request = { ns, key, allowExpired: flags['allow-expired'] === true, ...freshness };
    const reading = flags.at === undefined ? await readKey(clone, request) : await readPast(clone, { ...request, at: flags.at });
    const progress = new Progress(process.stderr.isTTY === true && !flags.json && reading.size > SHOW_ABOVE);
    try {
      await deliver(clone, ns, reading, flags, (done) => progress.phase(`${formatBytes(done)} of ${formatBytes(reading.size)}`));
    } finally {
      progress.done();
    }
  } finally {
    await composition.close();
  }
}

/** Loaded only when it is wanted: a get of the present must start fast. */
async function readPast(clone: Clone, request: ReadRequest & { readonly at: string }): Promise<Reading> {
  const { readKeyAt } = await import('../../../domain/client/history/read-at.js');
  return readKeyAt(clone, request);
}

/** Values below this come too quickly for progress to be read. Bytes. */
const SHOW_ABOVE = 16 * 1024 * 1024;

async function deliver(
  clone: Clone,
  ns: string,
  reading: Reading,
  flags: GetFlags,
  onProgress: (done: number) => void,
): Promise<void> {
  const { value } = reading;
  const bytes = value instanceof Uint8Array ? value : readChunks(clone, value, onProgress);
  if (flags.output !== undefined) {
    await writeFileAtomically(flags.output, bytes);
    if (flags.json) await printJson(readingDocument(ns, reading, { output: flags.output }));
  } else if (flags.json) {
    await printJson(readingDocument(ns, reading, content(bytes instanceof Uint8Array ? bytes : await collect(bytes))));
  } else if (bytes instanceof Uint8Array) await printValue(bytes, flags.raw === true);
  else {
    let first = true;
    for await (const chunk of bytes) {
      if (first && !flags.raw && process.stdout.isTTY && chunk.includes(0)) throw binary(reading.size);
      first = false;
      await print(chunk);
    }
  }
}

/** Bytes that would garble a terminal are not printed on one unasked. */
function binary(size: number): KvError {
  return new KvError('USAGE', `this value is binary (${formatBytes(size)}), and would be printed on a terminal`, {
    hint: 'write it to a file with -o FILE, or print it all the same with --raw',
  });
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

/** The exact bytes; on a terminal a newline follows, so that the prompt starts on a line of its own. */
async function printValue(value: Uint8Array, raw: boolean): Promise<void> {
  if (!raw && process.stdout.isTTY && (value.includes(0) || decodeUtf8(value) === undefined)) throw binary(value.length);
  await print(value);
  if (!raw && process.stdout.isTTY && value.at(-1) !== 0x0a) await print('\n');
}

function content(value: Uint8Array): object {
  const text = decodeUtf8(value);
  return text === undefined ? { value_b64: Buffer.from(value).toString('base64') } : { value: text };
}

function readingDocument(ns: string, reading: Reading, value: object): object {
  const { key, size, meta, oid, commit, tree, epoch, expired } = reading;
  return {
    ok: true,
    ns,
    key,
    ...value,
    size,
    ctype: meta.ctype,
    ttl: meta.ttl,
    etag: meta.etag,
    created_by: meta.createdBy,
    created_at: meta.createdAt,
    txn: meta.txn,
    oid,
    commit,
    tree,
    epoch,
    expired,
  };
}
