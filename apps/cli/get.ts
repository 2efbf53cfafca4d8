import { type Reading, readKey } from '../../domain/client/read.js';
import { decodeUtf8 } from '../../domain/bytes.js';
import { KvError } from '../../ports/error.js';
import { keyArgument } from './argument-bytes.js';
import { openSession } from './clone.js';
import { writeFileAtomically } from './files.js';
import type { FlagValues, GET_FLAGS, GlobalValues } from './flags.js';
import { freshnessOf } from './read-flags.js';
import { print, printJson } from './terminal.js';

export type GetFlags = GlobalValues & FlagValues<typeof GET_FLAGS>;

/** `git kv get`, shared by the oclif command and by the fast path. */
export async function runGet(key: string, flags: GetFlags): Promise<void> {
  if (flags.raw && flags.json) throw new KvError('USAGE', '--raw and --json contradict each other', { hint: 'leave one of them out' });
  const freshness = freshnessOf(flags);
  keyArgument(key);
  const { clone, ns, composition } = await openSession({ ns: flags.ns, progress: process.stderr.isTTY === true && !flags.json });
  try {
    const reading = await readKey(clone, { ns, key, allowExpired: flags['allow-expired'] === true, ...freshness });
    if (flags.output !== undefined) await writeFileAtomically(flags.output, reading.value);
    if (flags.json) await printJson(readingDocument(ns, reading, flags.output));
    else if (flags.output === undefined) await printValue(reading.value, flags.raw === true);
  } finally {
    await composition.close();
  }
}

/** The exact bytes; on a terminal a newline follows, so that the prompt starts on a line of its own. */
async function printValue(value: Uint8Array, raw: boolean): Promise<void> {
  await print(value);
  if (!raw && process.stdout.isTTY && value.at(-1) !== 0x0a) await print('\n');
}

function readingDocument(ns: string, reading: Reading, output: string | undefined): object {
  const { key, value, meta, oid, commit, tree, expired } = reading;
  const text = decodeUtf8(value);
  const content = text === undefined ? { value_b64: Buffer.from(value).toString('base64') } : { value: text };
  return {
    ok: true,
    ns,
    key,
    ...(output === undefined ? content : { output }),
    size: value.length,
    ctype: meta.ctype,
    ttl: meta.ttl,
    etag: meta.etag,
    created_by: meta.createdBy,
    created_at: meta.createdAt,
    oid,
    commit,
    tree,
    expired,
  };
}
