import { KvError } from '../../../../ports/error.js';
import { concat, decodeUtf8 } from '../../../git/bytes.js';
import { quoteKey } from '../../../ledger/value/key.js';
import type { ValueStream } from '../operations.js';

/** A larger value is not held in memory to be looked at. Bytes. */
export const JSON_CHECK_MAX = 64 * 1024 * 1024;

/** Whether a content type says that a value is one JSON document: `application/json`, or a type that ends in `+json`. */
export const saysJson = (ctype: string): boolean => /^(?:application\/json|[^;]*\+json)\s*(?:;|$)/i.test(ctype);

/** What keeps a value from being JSON, without quoting it; undefined when nothing does. */
export function jsonFault(value: Uint8Array): string | undefined {
  const text = decodeUtf8(value);
  if (text === undefined) return 'it is not valid UTF-8';
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    if (text.trim() === '') return 'it is empty';
    // The parser's own words may quote the value, which is nobody else's business.
    const at = /position (\d+)/.exec(error instanceof Error ? error.message : '')?.[1];
    return at === undefined ? 'it ends too early, or is no JSON' : `character ${Number(at) + 1} is out of place`;
  }
}

/**
 * A value whose content type was given as JSON: as it is, once it parses. A stream is looked at when it has been read to its end, before
 * anything is written; above `JSON_CHECK_MAX` it isn't. Throws `INPUT_INVALID`.
 */
export function checkedJson(key: string, value: Uint8Array | ValueStream): Uint8Array | ValueStream {
  if (value instanceof Uint8Array) {
    refuse(key, jsonFault(value));
    return value;
  }
  return { stream: checkedStream(key, value.stream) };
}

async function* checkedStream(key: string, stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let parts: Uint8Array[] | null = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > JSON_CHECK_MAX) parts = null;
    parts?.push(chunk);
    yield chunk;
  }
  if (parts !== null) refuse(key, jsonFault(concat(parts)));
}

function refuse(key: string, fault: string | undefined): void {
  if (fault === undefined) return;
  throw new KvError('INPUT_INVALID', `value of ${quoteKey(key)} is no JSON, as its content type says it is: ${fault}`, {
    hint: 'correct the value, or give it another content type',
  });
}
