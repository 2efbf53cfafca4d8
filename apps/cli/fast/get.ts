import type { Clone } from '../../../domain/client/clone/clone.js';
import { type Reading, readKey, type ReadRequest } from '../../../domain/client/read/read.js';
import { readChunks } from '../../../domain/client/read/value.js';
import { KvError } from '../../../ports/error.js';
import { keyArgument } from '../parse/argument-bytes.js';
import { openSession } from '../session/session.js';
import type { GetFlags } from '../parse/flags.js';
import { collect, content, readingDocument } from '../render/values/reading.js';
import { freshnessOf } from '../parse/read-flags.js';
import { formatBytes } from '../render/units.js';
import { Progress, print, printJson, transferLine } from '../io/terminal.js';

/** `git kv get`, shared by the oclif command and by the fast path. */
export async function runGet(keys: readonly string[], flags: GetFlags): Promise<void> {
  const [key] = keys;
  if (key === undefined || keys.length > 1 || flags.prefix !== undefined || flags.null === true) {
    const { runGetMany } = await import('./get-many.js');
    return runGetMany(keys, flags);
  }
  if (flags.raw && flags.json)
    throw new KvError('USAGE', '--raw and --json contradict each other', { hint: 'leave one of them out' });
  const freshness = freshnessOf(flags);
  keyArgument(key);
  const { clone, ns, composition } = await openSession({
    ns: flags.ns,
    reality: flags.reality,
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
    const { writeOutput } = await import('../io/write-file.js');
    await writeOutput(flags.output, bytes);
    if (flags.json) await printJson(readingDocument(ns, reading, { output: flags.output }));
  } else if (flags.json) {
    await printJson(readingDocument(ns, reading, content(bytes instanceof Uint8Array ? bytes : await collect(bytes))));
  } else if (flags.raw === true || !process.stdout.isTTY) {
    if (bytes instanceof Uint8Array) await print(bytes);
    else for await (const chunk of bytes) await print(chunk);
  } else await printOnTerminal(bytes, reading.size);
}

/** Bytes that would garble a terminal are not printed on one unasked. */
function binary(size: number): KvError {
  return new KvError('USAGE', `this value is binary (${formatBytes(size)}), and would be printed on a terminal`, {
    hint: 'write it to a file with -o FILE, or print it all the same with --raw',
  });
}

/** Text as a terminal may have it, with a newline behind it, so that the prompt starts on a line of its own. */
async function printOnTerminal(value: Uint8Array | AsyncIterable<Uint8Array>, size: number): Promise<void> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const decode = (bytes?: Uint8Array): string => {
    try {
      if (bytes?.includes(0) !== true) return decoder.decode(bytes, { stream: bytes !== undefined });
    } catch {
      // no UTF-8: as binary as a value with a NUL
    }
    throw binary(size);
  };
  let last = '';
  for await (const bytes of value instanceof Uint8Array ? [value] : value) {
    const text = decode(bytes);
    await print(text);
    last = text || last;
  }
  last = decode() || last;
  if (!last.endsWith('\n')) await print('\n');
}
