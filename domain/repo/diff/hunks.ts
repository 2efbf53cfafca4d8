import type { LineChange } from './line-changes.js';

/** What is shown of the line that a hunk stands below, bytes. */
const FUNCTION = 80;
const NO_NEWLINE = '\n\\ No newline at end of file\n';

/** The hunks of a unified difference, as git prints them (xemit.c). */
export function unifiedHunks(a: readonly string[], b: readonly string[], script: readonly LineChange[], context: number): string {
  let out = '';
  let named = '';
  let searched = -1;
  for (let at = 0; at < script.length; ) {
    const first = at;
    const last = lastOfHunk(script, at, context);
    at = last + 1;
    const [head, tail] = [script[first] as LineChange, script[last] as LineChange];
    const [startA, startB] = [Math.max(head.a - context, 0), Math.max(head.b - context, 0)];
    const after = Math.min(context, a.length - (tail.a + tail.removed), b.length - (tail.b + tail.added));
    const [endA, endB] = [tail.a + tail.removed + after, tail.b + tail.added + after];
    for (let line = startA - 1; line > searched; line--) {
      const name = functionName(a[line] as string);
      if (name === null) continue;
      named = name;
      break;
    }
    searched = startA - 1;
    out += `@@ -${range(startA, endA)} +${range(startB, endB)} @@${named === '' ? '' : ` ${named}`}\n`;
    let line = startB;
    for (const change of script.slice(first, last + 1)) {
      for (; line < change.b; line++) out += shownLine(' ', b[line] as string);
      for (let i = change.a; i < change.a + change.removed; i++) out += shownLine('-', a[i] as string);
      for (; line < change.b + change.added; line++) out += shownLine('+', b[line] as string);
    }
    for (; line < endB; line++) out += shownLine(' ', b[line] as string);
  }
  return out;
}

/** Changes whose contexts meet are in one hunk. */
function lastOfHunk(script: readonly LineChange[], first: number, context: number): number {
  let last = first;
  for (; last + 1 < script.length; last++) {
    const [change, next] = [script[last] as LineChange, script[last + 1] as LineChange];
    if (next.a - (change.a + change.removed) > 2 * context) break;
  }
  return last;
}

function range(start: number, end: number): string {
  const count = end - start;
  const line = count === 0 ? start : start + 1;
  return count === 1 ? String(line) : `${line},${count}`;
}

function shownLine(sign: string, line: string): string {
  return line.endsWith('\n') ? sign + line : sign + line + NO_NEWLINE;
}

/** What git takes for the head of a function where no pattern says otherwise: a line that begins with a letter, `_` or `$`. */
function functionName(line: string): string | null {
  return /^[A-Za-z_$]/.test(line) ? line.slice(0, FUNCTION).replace(/[ \t\n\r]+$/, '') : null;
}
