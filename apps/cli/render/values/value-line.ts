import { decodeUtf8 } from '../../../../domain/git/bytes.js';
import { printable } from '../../../../ports/grammar/printable.js';

/** A value in a line, for people: without the line end behind it, other line ends and control characters escaped; undefined for a binary one. */
export function valueLine(value: Uint8Array): string | undefined {
  const text = value.includes(0) ? undefined : decodeUtf8(value);
  return text && printable(text.replace(/\r?\n$/, '').replaceAll(/[\\\n\t\r]/g, (char) => ESCAPES[char] as string));
}

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\t': '\\t', '\r': '\\r' };
