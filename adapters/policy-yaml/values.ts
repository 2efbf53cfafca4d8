import { isNamespace, NAMESPACE_RULE } from '../../ports/grammar/namespace.js';
import { parseSshUrl } from '../../ports/grammar/network/ssh-url.js';
import type { PolicyKey } from '../../ports/index.js';
import { parseOpenPgpKey } from './openpgp-key.js';
import { readSshKey } from './ssh-key.js';

// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
const CONTROL = /[\x00-\x1f\x7f]/;

/** Each of these gives null when the value is good, else what is wrong with it. */
export function pushUrlFault(value: unknown): string | null {
  if (typeof value === 'string' && /^(?:ssh|git\+ssh|ssh\+git):\/\/[^/]*:[^/]*@/.test(value)) return 'must not hold a password';
  if (typeof value === 'string' && parseSshUrl(value) !== undefined) return null;
  return 'must be an SSH URL such as ssh://git@stargate.example/org/repo.git';
}

/** What is wrong with the URL that a mirror is read from; null when it is good. */
export function readUrlFault(value: unknown): string | null {
  if (typeof value !== 'string' || pushUrlFault(value) === null) return pushUrlFault(value);
  if (/^https?:\/\/[^/\s]*@/.test(value)) return 'must not hold a user name or a password';
  return /^(https?|git):\/\/[A-Za-z0-9[][^\s]*$/.test(value)
    ? null
    : 'must be an SSH or HTTP URL such as https://git.example/org/repo.git';
}

/** What is wrong with a prefix of keys; null when it is good. */
export function prefixFault(value: unknown): string | null {
  if (typeof value !== 'string') return 'must be a string';
  if (value === '') return 'is empty; leave the whole list out to allow every key';
  if (CONTROL.test(value)) return 'holds a control character, which no key does';
  return Buffer.byteLength(value) > 512 ? 'is longer than a key may be (512 bytes)' : null;
}

/** What is wrong with a namespace's name; null when it is good. */
export function namespaceFault(name: string): string | null {
  return isNamespace(name) ? null : `is no name of a namespace (${NAMESPACE_RULE})`;
}

/** A public key as `writers`, `admins` and `readers` list it; a string says what is wrong. */
export function parseKey(value: unknown): PolicyKey | string {
  if (typeof value !== 'string') return 'must be a public key in one string';
  if (/PRIVATE KEY/.test(value)) return 'is a PRIVATE key: remove it, replace that key, and list its public half';
  if (value.includes('-----BEGIN PGP')) return parseOpenPgpKey(value);
  return readSshKey(value);
}
