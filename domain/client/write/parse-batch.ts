import { KvError } from '../../../ports/error.js';
import { decodeBase64 } from '../../../ports/grammar/base64.js';
import { decodeUtf8, isWellFormed, utf8 } from '../../git/bytes.js';
import { keyFault, quoteKey } from '../../ledger/value/key.js';
import { isContentType } from '../../ledger/value/metadata.js';
import { typeOfBytes, typeOfFile, typeOfText } from './value/content-type.js';
import { readExpiry } from './value/expiry.js';
import { checkedJson, jsonFault, saysJson } from './value/json-check.js';
import type { RequestedOperation, ValueStream } from './operations.js';

/** One line of a batch, checked. A value in a file is not read yet: that is for whoever has files. */
type BatchEntry =
  | { readonly line: number; readonly operation: RequestedOperation }
  | { readonly line: number; readonly file: string; readonly complete: (value: Uint8Array | ValueStream) => RequestedOperation };

/** `kind` tells a key that is no key from every other fault. Lines count from 1. */
export interface BatchFault {
  readonly line: number;
  readonly kind: 'key' | 'input';
  readonly what: string;
}

/** The operations of a batch, and what is wrong with its other lines. */
export interface Batch {
  readonly entries: readonly BatchEntry[];
  readonly faults: readonly BatchFault[];
}

const FIELDS: Readonly<Record<string, readonly string[]>> = {
  set: ['op', 'key', 'value', 'value_b64', 'file', 'ctype', 'ttl'],
  del: ['op', 'key'],
};
const VALUES = ['value', 'value_b64', 'file'] as const;
const LISTED_FAULTS = 10;
const NEWLINE = 0x0a;

/**
 * Reads a batch: UTF-8 with one JSON object a line, LF or CRLF, blank lines and a byte order mark ignored. Every line is
 * checked; nothing is thrown. `now` in ms since the epoch, for TTLs that are durations.
 */
export function parseBatch(bytes: Uint8Array, now: number): Batch {
  const entries: BatchEntry[] = [];
  const faults: BatchFault[] = [];
  let start = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  for (let line = 1; start < bytes.length; line++) {
    const found = bytes.indexOf(NEWLINE, start);
    const end = found < 0 ? bytes.length : found;
    const text = decodeUtf8(bytes.subarray(start, end));
    start = end + 1;
    if (text !== undefined && text.trim() === '') continue;
    const read = text === undefined ? input('is not valid UTF-8') : readLine(text, now);
    if ('what' in read) faults.push({ line, ...read });
    else entries.push({ line, ...read });
  }
  return { entries, faults };
}

/**
 * The error for a batch's faults: the first ten by line, and how many there are. `INPUT_INVALID`, or `KEY_INVALID` when
 * only keys are wrong.
 */
export function batchRefused(file: string, faults: readonly BatchFault[]): KvError {
  const sorted = [...faults].sort((a, b) => a.line - b.line);
  const listed = sorted.slice(0, LISTED_FAULTS).map(({ line, what }) => `${file}:${line}: ${what}`);
  const left = sorted.length - listed.length;
  const count = `${sorted.length} ${sorted.length === 1 ? 'line' : 'lines'} of ${file} can't be used, nothing was written`;
  const code = sorted.every(({ kind }) => kind === 'key') ? 'KEY_INVALID' : 'INPUT_INVALID';
  return new KvError(code, [count, ...listed, ...(left > 0 ? [`… and ${left} more`] : [])].join('\n  '), {
    hint: 'correct the lines and run it again: a batch is written whole or not at all',
    details: { faults: sorted.length, lines: sorted.slice(0, LISTED_FAULTS).map(({ line, what }) => ({ line, what })) },
  });
}

type Fault = Omit<BatchFault, 'line'>;
type Read =
  | { operation: RequestedOperation }
  | { file: string; complete: (value: Uint8Array | ValueStream) => RequestedOperation };

const input = (what: string): Fault => ({ kind: 'input', what });

function readLine(text: string, now: number): Read | Fault {
  const fields = parseObject(text);
  if (fields === undefined) return input('is not a JSON object');
  const { op, key } = fields;
  if (op === undefined) return input("has no 'op'");
  const known = typeof op === 'string' && Object.hasOwn(FIELDS, op) ? FIELDS[op] : undefined;
  if (known === undefined) return input(`has the unknown op ${show(op)}: use "set" or "del"`);
  const foreign = Object.keys(fields).filter((name) => !known.includes(name));
  if (foreign.length > 0)
    return input(`has ${foreign.map(show).join(', ')}, which a ${show(op)} line does not take: use ${known.join(', ')}`);
  if (typeof key !== 'string') return input(key === undefined ? "has no 'key'" : "has a 'key' that is no string");
  const fault = keyFault(key);
  if (fault !== undefined) return { kind: 'key', what: `has the invalid key ${quoteKey(key)}: ${fault}` };
  return op === 'del' ? { operation: { op: 'del', key } } : readSet(key, fields, now);
}

function readSet(key: string, fields: Readonly<Record<string, unknown>>, now: number): Read | Fault {
  const given = VALUES.filter((name) => fields[name] !== undefined);
  const [name] = given;
  if (name === undefined) return input("sets no value: give 'value', 'value_b64' or 'file'");
  if (given.length > 1) return input(`has more than one value: ${given.join(', ')}`);
  const value = fields[name];
  const { ctype } = fields;
  if (typeof value !== 'string') {
    const asText = name === 'value' ? `: a value is text, so quote the JSON: "value":${show(JSON.stringify(value))}` : '';
    return input(`has a '${name}' that is no string${asText}`);
  }
  if (ctype !== undefined && (typeof ctype !== 'string' || !isContentType(ctype)))
    return input(`has the ctype ${show(ctype)}, which is not of the form type/subtype`);
  const ttl = fields['ttl'] ?? 'none';
  const expiry = typeof ttl === 'string' ? readExpiry(ttl, now) : { fault: 'ttl is no string' };
  if ('fault' in expiry) return input(expiry.fault);
  const complete = (bytes: Uint8Array | ValueStream, type: string): RequestedOperation => {
    const checked = ctype !== undefined && saysJson(ctype) && !(bytes instanceof Uint8Array) ? checkedJson(key, bytes) : bytes;
    const operation = { op: 'set', key, value: checked, ctype: ctype ?? type } as const;
    if (expiry.expiresAt !== undefined) return { ...operation, expiresAt: expiry.expiresAt };
    return fields['ttl'] === undefined ? { ...operation, priorTtl: 'warn' } : operation;
  };
  if (name === 'file') {
    if (value === '' || value.includes('\u0000')) return input("has a 'file' that is no path");
    return { file: value, complete: (bytes) => complete(bytes, typeOfFile(value)) };
  }
  if (name === 'value' && !isWellFormed(value)) return input("has a 'value' with a lone surrogate: use 'value_b64'");
  const bytes = name === 'value' ? utf8(value) : decodeBase64(value);
  if (bytes === undefined) return input("has a 'value_b64' that is not base64");
  const broken = ctype !== undefined && saysJson(ctype) ? jsonFault(bytes) : undefined;
  if (broken !== undefined) return input(`has the ctype ${show(ctype)}, and a value that is no JSON: ${broken}`);
  return { operation: complete(bytes, name === 'value' ? typeOfText(value) : typeOfBytes(bytes)) };
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined; // the parser's own words could quote a value
  }
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
