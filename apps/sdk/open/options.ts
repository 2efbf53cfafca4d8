import { KvError } from '../../../ports/error.js';
import { isNamespace, NAMESPACE_RULE } from '../../../ports/grammar/namespace.js';
import type { Freshness } from '../../../domain/client/remote/tip-for-reading.js';
import { keyBytes } from '../../../domain/ledger/value/key.js';
import type { OpenCloneOptions } from '../api/clone.js';
import type { CallOptions, ReadOptions } from '../api/read.js';

/** What was said when the clone was opened, and holds unless a call says otherwise. */
export type Defaults = Pick<OpenCloneOptions, 'readFrom' | 'maxAge' | 'offline'> & { readonly ns: string };

/** The namespace of a call. Throws `USAGE`. */
export function namespaceOf({ ns }: CallOptions, defaults: Defaults): string {
  if (ns === undefined) return defaults.ns;
  if (typeof ns === 'string' && isNamespace(ns)) return ns;
  throw wrong('ns', 'the name of a namespace', `a namespace is ${NAMESPACE_RULE}`);
}

/** How new what is read must be. Throws `USAGE`. */
export function freshnessOf({ readFrom, maxAge }: ReadOptions, defaults: Defaults): Freshness {
  const from = readFrom ?? defaults.readFrom ?? 'mirror';
  if (from !== 'mirror' && from !== 'stargate') throw wrong('readFrom', "'mirror' or 'stargate'");
  const maxAgeMs = maxAge ?? defaults.maxAge;
  if (maxAgeMs !== undefined && !(typeof maxAgeMs === 'number' && maxAgeMs >= 0))
    throw wrong('maxAge', 'milliseconds, 0 or more');
  return { readFrom: from, offline: defaults.offline === true, ...(maxAgeMs === undefined ? {} : { maxAgeMs }) };
}

/** A prefix, or a key to list from; absent stays absent. Throws `KEY_INVALID` for what no key begins with. */
export function keyPart(text: string | undefined): string | undefined {
  if (text !== undefined && text !== '') keyBytes(text);
  return text;
}

/** A count of at least 1; absent stays absent. Throws `USAGE`. */
export function count(name: string, value: number | undefined): number | undefined {
  if (value !== undefined && !(Number.isSafeInteger(value) && value >= 1)) throw wrong(name, 'a whole number of at least 1');
  return value;
}

/** Milliseconds above 0; absent stays absent. Throws `USAGE`. */
export function milliseconds(name: string, value: number | undefined): number | undefined {
  if (value !== undefined && !(typeof value === 'number' && value > 0 && value <= LONGEST_MS))
    throw wrong(name, `milliseconds above 0, ${LONGEST_MS} at the most`);
  return value;
}

/** What a timer of Node can count to. */
const LONGEST_MS = 2 ** 31 - 1;

/** The same object without what is undefined in it: what is absent and what is undefined mean the same to a caller. */
export function given<T extends object>(options: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  // Of what is left, nothing is undefined.
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}

/** What it is opened with. Throws `USAGE` for what is no mapping of options, as JavaScript may give it. */
export function optionsOf<T extends object>(options: T): T {
  if (typeof options !== 'object' || options === null) throw wrong('options', 'an object');
  return options;
}

/** `USAGE` for an option that can't be meant. It says nothing of what was given: that may be a value. */
export function wrong(name: string, what: string, hint = 'see docs/SDK.md'): KvError {
  return new KvError('USAGE', `${name} must be ${what}`, { hint });
}
