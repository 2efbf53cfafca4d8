import { KvError } from '../../ports/error.js';
import { decodeUtf8, equalBytes, utf8 } from '../git/bytes.js';

/**
 * Pointers, manifests and metadata are JSON with a fixed key order, no spaces and no final newline,
 * so that equal content is an equal blob. Reading one checks that it is exactly what writing it would give.
 */
export function encodeJson(value: unknown): Uint8Array {
  return utf8(JSON.stringify(value));
}

/** What the reader of a record gives to `decodeRecord`. */
export interface RecordFormat<T> {
  /** For messages: `pointer`, `metadata`, … */
  readonly name: string;
  readonly version: number;
  /** The longest that it can be, bytes: what is longer is not parsed. */
  readonly most: number;
  /** The record that the fields spell, or undefined when one is missing or of the wrong type. */
  read(fields: Readonly<Record<string, unknown>>): T | undefined;
  write(record: T): Uint8Array;
  /** The record, where the text is one that `write` would give and `read` take, told by its look alone; else undefined, which says nothing. */
  plain?(text: string): T | undefined;
}

/** What a record belongs to, for messages: made when there is one. */
export type Where = string | (() => string);

/** What stands between quotes in JSON as it is: no character of it has an escape. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
export const PLAIN_TEXT = /[^"\\\u0000-\u001f\u007f-\u009f\ud800-\udfff]*/.source;

const ALL_PLAIN = new RegExp(`^${PLAIN_TEXT}$`);

/** A text as JSON spells it, or null. Most have no escapes, which is found out sooner than JSON is made. */
export function jsonText(text: string | null): string {
  return text !== null && ALL_PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
}

/** Reads a record. Throws `FORMAT_UNSUPPORTED` for an unknown version, `ATTESTATION_MISMATCH` for bytes that aren't canonical. */
export function decodeRecord<T>(format: RecordFormat<T>, bytes: Uint8Array, of: Where): T {
  const text = bytes.length > format.most ? undefined : decodeUtf8(bytes);
  const plain = text === undefined ? undefined : format.plain?.(text);
  if (plain !== undefined) return plain;
  const where = (): string => (typeof of === 'string' ? of : of());
  if (bytes.length > format.most)
    throw broken(format.name, where(), `it has ${bytes.length} bytes, and no more than ${format.most} are read`);
  const fields = text === undefined ? undefined : parseObject(text);
  if (fields === undefined) throw broken(format.name, where(), 'it is not a JSON object');
  if (fields['v'] !== format.version) {
    throw new KvError('FORMAT_UNSUPPORTED', `${format.name} of ${where()} has version ${shownVersion(fields['v'])}`, {
      hint: `this git-kv reads version ${format.version}: update it`,
    });
  }
  const record = format.read(fields);
  if (record === undefined) throw broken(format.name, where(), 'a field is missing or has the wrong type');
  if (!equalBytes(format.write(record), bytes)) throw broken(format.name, where(), 'it is not in canonical form');
  return record;
}

/** A version is a number; what else stands there may be of any size and depth. */
function shownVersion(version: unknown): string {
  return typeof version === 'number' ? String(version) : version === undefined ? 'none' : 'that is no number';
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined; // not JSON: the caller says so, naming the record
  }
}

function broken(name: string, where: string, why: string): KvError {
  return new KvError('ATTESTATION_MISMATCH', `invalid ${name} of ${where}: ${why}`, {
    hint: 'write through a client of git-kv, or compare with docs/FORMAT.md',
    advice: { id: 'write-through-client' },
  });
}

/** Whether a field is text. */
export const isText = (value: unknown): value is string => typeof value === 'string';
/** Whether a field is text or null. */
export const isTextOrNull = (value: unknown): value is string | null => value === null || typeof value === 'string';
/** A whole number of at least 0. */
export const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
