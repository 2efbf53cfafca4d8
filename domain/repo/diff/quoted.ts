import type { BytePath } from '../objects/paths.js';

const ESCAPES: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\v': '\\v',
  '\f': '\\f',
  '\r': '\\r',
  '"': '\\"',
  '\\': '\\\\',
};

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is escaped.
const SPECIAL = /[\u0000-\u001f\u007f-\u00ff"\\]/g;

/** A path as git shows it: in quotes, with escapes, where it holds more than plain ASCII (quote.c, `core.quotePath`). */
export function quotedPath(path: BytePath): string {
  const escaped = path.replace(SPECIAL, (char) => ESCAPES[char] ?? `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`);
  return escaped === path ? path : `"${escaped}"`;
}
