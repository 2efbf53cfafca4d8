import type { Reading } from '../../../domain/client/read/read.js';
import { readChunks } from '../../../domain/client/read/value.js';
import { concat, decodeUtf8 } from '../../../domain/git/bytes.js';
import { quoteKey } from '../../../domain/ledger/value/key.js';
import { KvError } from '../../../ports/error.js';
import type { Entry, EntryFacts, EntryStream } from '../api/read.js';
import type { Call, Calls } from './calls.js';

/** More than this is not put together in memory. Bytes. */
const MOST_WHOLE = 64 * 1024 * 1024;

/** A key that was read, with its value whole. Throws `USAGE` for one that is too large for that. */
export async function entryOf({ clone }: Call, reading: Reading): Promise<Entry> {
  const { key, size, value } = reading;
  if (size > MOST_WHOLE) {
    throw new KvError('USAGE', `value of ${quoteKey(key)} has ${size} bytes, more than are read at once`, {
      hint: 'read it as a stream',
      details: { key, size, limit: MOST_WHOLE },
    });
  }
  const whole = value instanceof Uint8Array ? owned(value) : await collect(readChunks(clone, value));
  return { ...factsOf(reading), value: whole, text: () => textOf(key, whole), json: () => jsonOf(key, whole) };
}

/** A key that was read, whose value comes as it is asked for: that is a call of its own. */
export function streamOf(calls: Calls, signal: AbortSignal | undefined, reading: Reading): EntryStream {
  const { value } = reading;
  const body = value instanceof Uint8Array ? once(owned(value)) : calls.iterate(signal, ({ clone }) => readChunks(clone, value));
  return { ...factsOf(reading), body };
}

function factsOf({ key, size, meta, expired, oid, commit, tree, epoch }: Reading): EntryFacts {
  const { ctype, ttl, etag, createdAt, createdBy, txn } = meta;
  return { key, size, ctype, ttl, expired, etag, createdAt, createdBy, txn, oid, commit, tree, epoch };
}

/** What was read may be a view of a buffer that is many times as large, and shared. */
const owned = (value: Uint8Array): Uint8Array => new Uint8Array(value);

async function* once(value: Uint8Array): AsyncGenerator<Uint8Array> {
  if (value.length > 0) yield value;
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return concat(parts);
}

/** The value as text. Throws `INPUT_INVALID`. */
function textOf(key: string, value: Uint8Array): string {
  const text = decodeUtf8(value);
  if (text !== undefined) return text;
  throw new KvError('INPUT_INVALID', `value of ${quoteKey(key)} is no UTF-8 text`, { hint: 'take its bytes' });
}

function jsonOf(key: string, value: Uint8Array): unknown {
  const text = textOf(key, value);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // The parser's own words quote the value.
    throw new KvError('INPUT_INVALID', `value of ${quoteKey(key)} is no JSON`, { hint: 'take its text, or its bytes' });
  }
}
