import { readAdvice } from './advice.js';
import { ERROR_CODES, type ErrorCode, KvError } from './error.js';
import { toldOutside } from './told-outside.js';

/**
 * How a KvError crosses a connection: one line of printable ASCII on a hook's or a verb's standard error.
 * A hook's exit status never reaches the pusher, so this line is all that tells a policy violation from a lost race.
 * A reader passes over a field that it doesn't know: a program that has no words for the advice shows the hint.
 */
const PREFIX = 'kv-error/1 ';

/** What names a request in a log and on a terminal: short and plain. */
const REQUEST = /^[A-Za-z0-9._:-]{1,64}$/;

/** What is longer in a message, or in a fact beside it, is cut, characters: a shell reads the line one character at a time. */
const LONGEST = 4000;
const LONGEST_FACT = 1000;

const cut = (text: string, most: number): string => (text.length > most ? `${text.slice(0, most)}…` : text);

/** The line that a KvError becomes, without a line end. `request` names the request in the log of the side that refuses it. */
export function formatRejection(error: KvError, request: string | undefined = error.request): string {
  const { message, hint } = toldOutside(error);
  const fields: Record<string, unknown> = { code: error.code, message: cut(message, LONGEST) };
  if (hint !== undefined) fields['hint'] = cut(hint, LONGEST);
  if (error.advice !== undefined) fields['advice'] = error.advice;
  if (error.details !== undefined) fields['details'] = cutFacts(error.details);
  if (request !== undefined) fields['request'] = request;
  return (
    PREFIX + JSON.stringify(fields).replace(/[\u007f-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
  );
}

function cutFacts(facts: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(facts).map(([name, fact]) => [name, typeof fact === 'string' ? cut(fact, LONGEST_FACT) : fact]),
  );
}

/**
 * Reads a `kv-error/1` line, with or without git's `remote: ` and colours; undefined for any other line, and for one that was
 * cut off. The other side's text loses what would steer a terminal; an unknown code becomes `GIT_ERROR`; advice that this version
 * doesn't know is left out.
 */
export function parseRejection(line: string): KvError | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is about
  const plain = line.replace(/\u001b\[[0-9;]*[mK]/g, '').replace(/^remote: /, '');
  if (!plain.startsWith(PREFIX)) return undefined;
  const fields = parseObject(plain.slice(PREFIX.length).trim());
  if (fields === undefined) return undefined;
  const { code, message, hint, details, request } = fields;
  const advice = readAdvice(plainTexts(fields['advice']));
  if (typeof code !== 'string' || typeof message !== 'string') return undefined;
  const known = ERROR_CODES.find((c): c is ErrorCode => c === code);
  return new KvError(known ?? 'GIT_ERROR', printable(known === undefined ? `${code}: ${message}` : message), {
    ...(typeof hint === 'string' ? { hint: printable(hint) } : {}),
    ...(advice === undefined ? {} : { advice }),
    ...(typeof request === 'string' && REQUEST.test(request) ? { request } : {}),
    ...(typeof details === 'object' && details !== null ? { details: details as Record<string, unknown> } : {}),
  });
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined; // cut off: git's own words are left to the caller
  }
}

function plainTexts(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]: [string, unknown]) => [name, typeof each === 'string' ? printable(each) : each]),
  );
}

function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is about
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ');
}
