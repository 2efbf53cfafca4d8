import { fromAscii } from '../../git/bytes.js';

/**
 * What is compared: a file as a string with a character for each byte. Its lines keep their line feeds, so that a last line without one
 * differs from the same with one.
 */
export function fileText(body: Uint8Array): string {
  return fromAscii(body, 0, body.length);
}

/** The lines of a file, each with its line feed. */
export function splitLines(text: string): string[] {
  const lines: string[] = [];
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf('\n', at);
    const next = end < 0 ? text.length : end + 1;
    lines.push(text.slice(at, next));
    at = next;
  }
  return lines;
}

const BLOCK = 1024;

/** Cuts what two files end in alike, in blocks of 1 KiB and up to a line's end, as git does it where no context is shown (xdiff-interface.c). */
export function trimCommonTail(a: string, b: string): [a: string, b: string] {
  const smaller = Math.min(a.length, b.length);
  let trimmed = 0;
  while (
    BLOCK + trimmed <= smaller &&
    a.slice(a.length - trimmed - BLOCK, a.length - trimmed) === b.slice(b.length - trimmed - BLOCK, b.length - trimmed)
  )
    trimmed += BLOCK;
  if (trimmed === 0) return [a, b];
  const lineEnd = a.indexOf('\n', a.length - trimmed);
  const kept = lineEnd < 0 ? 0 : a.length - lineEnd - 1;
  return [a.slice(0, a.length - kept), b.slice(0, b.length - kept)];
}
