import { KvError } from '../../../ports/error.js';
import { shownText } from '../../../ports/grammar/shown-text.js';
import { decodeUtf8, isWellFormed, utf8 } from '../../git/bytes.js';

/**
 * Keys are 1–512 bytes of UTF-8 without control characters. In a path they appear in their urlsafe form:
 * `A-Z a-z 0-9 _ : -` stand for themselves, every other byte is `%XX` in upper-case hex. A dot or a tilde is
 * therefore always encoded, so that no key can spell `.git`, `..`, or the suffix of another file.
 */

const MAX_KEY_BYTES = 512;

const KEPT = /[A-Za-z0-9_:-]/;
const ESCAPES: readonly string[] = Array.from({ length: 256 }, (_, byte) => {
  const char = String.fromCharCode(byte);
  return byte < 128 && KEPT.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
});
const URLSAFE = /^(?:[A-Za-z0-9_:-]|%[0-9A-F]{2})+$/;

/** Gives the key's UTF-8 bytes. Throws `KEY_INVALID` when it is no key. */
export function keyBytes(key: string): Uint8Array {
  const fault = keyFault(key);
  if (fault !== undefined) {
    throw new KvError('KEY_INVALID', `invalid key ${quoteKey(key)}: ${fault}`, {
      hint: `a key is 1 to ${MAX_KEY_BYTES} bytes of UTF-8 without control characters`,
    });
  }
  return utf8(key);
}

/** Says what is wrong with a key, or undefined when nothing is. */
export function keyFault(key: string): string | undefined {
  if (key.length === 0) return 'it is empty';
  if (!isWellFormed(key)) return 'it is not valid UTF-8';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (/[\u0000-\u001f\u007f-\u009f]/.test(key)) return 'it has a control character';
  const bytes = key.length > MAX_KEY_BYTES ? key.length : utf8(key).length;
  if (bytes > MAX_KEY_BYTES) return `it is longer than ${MAX_KEY_BYTES} bytes`;
  return undefined;
}

/** A key as it may stand in a message: quoted, cut, with control characters escaped. */
export function quoteKey(key: string): string {
  return escaped(key.length > 60 ? `${key.slice(0, 60)}…` : key);
}

/** A path as it may stand in a message: quoted, cut, with control characters escaped. */
export function quotePath(path: string): string {
  return escaped(shownText(path));
}

const escaped = (text: string): string =>
  JSON.stringify(text).replace(/[\u007f-\u009f]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** The urlsafe form of a key or of a key's prefix. */
export function toUrlsafe(text: string): string {
  if (/^[A-Za-z0-9_:-]*$/.test(text)) return text;
  let out = '';
  for (const byte of utf8(text)) out += ESCAPES[byte];
  return out;
}

/** The key that a urlsafe form spells; undefined unless it is exactly the form that `toUrlsafe` gives for a valid key. */
export function fromUrlsafe(urlsafe: string): string | undefined {
  if (!URLSAFE.test(urlsafe)) return undefined;
  if (!urlsafe.includes('%')) return urlsafe.length <= MAX_KEY_BYTES ? urlsafe : undefined;
  const bytes = new Uint8Array(urlsafe.length);
  let length = 0;
  for (let i = 0; i < urlsafe.length; i++) {
    const code = urlsafe.charCodeAt(i);
    if (code === 0x25) {
      bytes[length++] = Number.parseInt(urlsafe.slice(i + 1, i + 3), 16);
      i += 2;
    } else bytes[length++] = code;
  }
  const key = decodeUtf8(bytes.subarray(0, length));
  if (key === undefined || keyFault(key) !== undefined) return undefined;
  return toUrlsafe(key) === urlsafe ? key : undefined;
}
