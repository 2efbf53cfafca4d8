/** How bad two places to part lines are; lower is better. */
export interface Score {
  readonly indent: number;
  readonly penalty: number;
}

const MOST_INDENT = 200;
const MOST_BLANKS = 20;
const INDENT_WEIGHT = 60;

/** The weights that git has found on a corpus (xdiffi.c, "indent heuristic"). */
const PENALTY = {
  startOfFile: 1,
  endOfFile: 21,
  blank: -30,
  blankAfter: 6,
  indent: [-4, 10],
  outdent: [24, 17],
  dedent: [23, 17],
} as const;

/** The score of a group of lines that begins and ends in front of these lines. */
export function scoreOf(lines: readonly string[], end: number, start: number): Score {
  const [a, b] = [partingAt(lines, end), partingAt(lines, start)];
  return { indent: a.indent + b.indent, penalty: a.penalty + b.penalty };
}

/** Whether a score is as good as another, or better. */
export function isBetter(a: Score, b: Score): boolean {
  return INDENT_WEIGHT * Math.sign(a.indent - b.indent) + (a.penalty - b.penalty) <= 0;
}

function partingAt(lines: readonly string[], at: number): Score {
  const isEnd = at >= lines.length;
  const own = isEnd ? -1 : indentOf(lines[at] as string);
  const before = nextIndent(lines, at - 1, -1);
  const after = nextIndent(lines, at + 1, 1);
  const blanksAfter = own === -1 ? 1 + after.blanks : 0;
  const blanks = before.blanks + blanksAfter;
  const indent = own !== -1 ? own : after.indent;
  let penalty = PENALTY.blank * blanks + PENALTY.blankAfter * blanksAfter;
  if (before.indent === -1 && before.blanks === 0) penalty += PENALTY.startOfFile;
  if (isEnd) penalty += PENALTY.endOfFile;
  const withBlanks = blanks === 0 ? 0 : 1;
  if (indent !== -1 && before.indent !== -1) {
    if (indent > before.indent) penalty += PENALTY.indent[withBlanks];
    else if (indent < before.indent)
      penalty += (after.indent !== -1 && after.indent > indent ? PENALTY.outdent : PENALTY.dedent)[withBlanks];
  }
  return { indent, penalty };
}

/** The indentation of the next line that isn't blank, and how many blank lines come before it. */
function nextIndent(lines: readonly string[], from: number, step: 1 | -1): { readonly indent: number; readonly blanks: number } {
  let blanks = 0;
  for (let at = from; at >= 0 && at < lines.length; at += step) {
    const indent = indentOf(lines[at] as string);
    if (indent !== -1) return { indent, blanks };
    if (++blanks === MOST_BLANKS) return { indent: 0, blanks };
  }
  return { indent: -1, blanks };
}

/** Columns of white space in front of a line; -1 for one that has nothing else. */
function indentOf(line: string): number {
  let indent = 0;
  for (let i = 0; i < line.length; i++) {
    const char = line.charCodeAt(i);
    if (char === 32) indent++;
    else if (char === 9) indent += 8 - (indent % 8);
    else if (char !== 10 && char !== 13) return indent;
    if (indent >= MOST_INDENT) return MOST_INDENT;
  }
  return -1;
}
