import { splitLines } from '../diff/lines.js';
import { type LineChange, mergeChanges } from '../diff/line-changes.js';

/** Which side a run of lines is from: 1 or 2, 0 where both changed it, 4 where both changed it to the same. */
interface Run {
  side: 0 | 1 | 2 | 4;
  i0: number;
  n0: number;
  i1: number;
  n1: number;
  i2: number;
  n2: number;
}

/** What a text merge is told. */
export interface TextMergeOptions {
  /** Names behind the conflict markers. */
  readonly ours: string;
  readonly theirs: string;
  readonly favor?: 'ours' | 'theirs';
  /** Characters of a conflict marker. */
  readonly marker: number;
}

/** Conflicts this close become one, lines. */
const CLOSE = 3;

/** Merges two texts that came from one, as `git merge` does it (xmerge.c, zealous): the text, with markers around its conflicts. */
export function mergeTexts(
  base: string,
  ours: string,
  theirs: string,
  options: TextMergeOptions,
): { readonly text: string; readonly conflicts: number } {
  const [lines0, lines1, lines2] = [splitLines(base), splitLines(ours), splitLines(theirs)];
  const [changes1, changes2] = [mergeChanges(lines0, lines1), mergeChanges(lines0, lines2)];
  if (changes1.length === 0) return { text: theirs, conflicts: 0 };
  if (changes2.length === 0) return { text: ours, conflicts: 0 };
  const runs = joined(refined(aligned({ lines0, lines1, lines2 }, changes1, changes2), lines1, lines2));
  const { favor } = options;
  if (favor !== undefined) for (const run of runs) if (run.side === 0) run.side = favor === 'ours' ? 1 : 2;
  return { text: filled(runs, { lines0, lines1, lines2 }, options), conflicts: runs.filter(({ side }) => side === 0).length };
}

interface Three {
  readonly lines0: readonly string[];
  readonly lines1: readonly string[];
  readonly lines2: readonly string[];
}

/** Puts the changes of both sides in a row, and those that meet together (xdl_do_merge). */
function aligned({ lines0, lines1, lines2 }: Three, changes1: readonly LineChange[], changes2: readonly LineChange[]): Run[] {
  const runs: Run[] = [];
  let [at1, at2] = [0, 0];
  const own = (side: 1 | 2, { a, b, removed, added }: LineChange, other: number): void =>
    side === 1
      ? append(runs, { side, i0: a, n0: removed, i1: b, n1: added, i2: a + other, n2: removed })
      : append(runs, { side, i0: a, n0: removed, i1: a + other, n1: removed, i2: b, n2: added });
  while (at1 < changes1.length && at2 < changes2.length) {
    const [one, two] = [changes1[at1] as LineChange, changes2[at2] as LineChange];
    if (one.a + one.removed < two.a) {
      own(1, one, two.b - two.a);
      at1++;
      continue;
    }
    if (two.a + two.removed < one.a) {
      own(2, two, one.b - one.a);
      at2++;
      continue;
    }
    const isSame = one.a === two.a && one.removed === two.removed && one.added === two.added;
    if (!isSame || !sameLines(lines1, one.b, lines2, two.b, one.added)) append(runs, conflictOf(one, two));
    const [end1, end2] = [one.a + one.removed, two.a + two.removed];
    if (end1 >= end2) at2++;
    if (end2 >= end1) at1++;
  }
  for (; at1 < changes1.length; at1++) own(1, changes1[at1] as LineChange, lines2.length - lines0.length);
  for (; at2 < changes2.length; at2++) own(2, changes2[at2] as LineChange, lines1.length - lines0.length);
  return runs;
}

function conflictOf(one: LineChange, two: LineChange): Run {
  const off = one.a - two.a;
  const ends = off + one.removed - two.removed;
  const i0 = one.a - Math.max(off, 0);
  const i1 = one.b - Math.max(off, 0);
  const i2 = two.b + Math.min(off, 0);
  return {
    side: 0,
    i0,
    n0: one.a + one.removed - i0 - Math.min(ends, 0),
    i1,
    n1: one.b + one.added - i1 - Math.min(ends, 0),
    i2,
    n2: two.b + two.added - i2 + Math.max(ends, 0),
  };
}

function append(runs: Run[], run: Run): void {
  const last = runs.at(-1);
  if (last === undefined || (run.i1 > last.i1 + last.n1 && run.i2 > last.i2 + last.n2)) {
    runs.push(run);
    return;
  }
  if (run.side !== last.side) last.side = 0;
  last.n0 = run.i0 + run.n0 - last.i0;
  last.n1 = run.i1 + run.n1 - last.i1;
  last.n2 = run.i2 + run.n2 - last.i2;
}

function sameLines(a: readonly string[], fromA: number, b: readonly string[], fromB: number, count: number): boolean {
  for (let i = 0; i < count; i++) if (a[fromA + i] !== b[fromB + i]) return false;
  return true;
}

/** Takes out of conflicts what both sides have (xdl_refine_conflicts). */
function refined(runs: readonly Run[], lines1: readonly string[], lines2: readonly string[]): Run[] {
  return runs.flatMap((run) => {
    if (run.side !== 0 || run.n1 === 0 || run.n2 === 0) return [run];
    const script = mergeChanges(lines1.slice(run.i1, run.i1 + run.n1), lines2.slice(run.i2, run.i2 + run.n2));
    if (script.length === 0) return [{ ...run, side: 4 as const }];
    return script.map(({ a, b, removed, added }) => ({ ...run, i1: run.i1 + a, n1: removed, i2: run.i2 + b, n2: added }));
  });
}

/** Makes one conflict of two that are close (xdl_simplify_non_conflicts). */
function joined(runs: readonly Run[]): Run[] {
  const out: Run[] = [];
  for (const run of runs) {
    const last = out.at(-1);
    if (last === undefined || last.side !== 0 || run.side !== 0 || run.i1 - (last.i1 + last.n1) > CLOSE) out.push({ ...run });
    else {
      last.n1 = run.i1 + run.n1 - last.i1;
      last.n2 = run.i2 + run.n2 - last.i2;
    }
  }
  return out;
}

function filled(runs: readonly Run[], three: Three, { ours, theirs, marker }: TextMergeOptions): string {
  const { lines1, lines2 } = three;
  const out: string[] = [];
  let at = 0;
  for (const run of runs) {
    if (run.side === 4) continue;
    out.push(...lines1.slice(at, run.i1));
    const [mine, other] = [lines1.slice(run.i1, run.i1 + run.n1), lines2.slice(run.i2, run.i2 + run.n2)];
    if (run.side === 1) out.push(...mine);
    else if (run.side === 2) out.push(...other);
    else {
      const end = needsReturn(three, run) ? '\r\n' : '\n';
      out.push(`${'<'.repeat(marker)} ${ours}${end}`, ...ended(mine, end), `${'='.repeat(marker)}${end}`, ...ended(other, end));
      out.push(`${'>'.repeat(marker)} ${theirs}${end}`);
    }
    at = run.i1 + run.n1;
  }
  out.push(...lines1.slice(at));
  return out.join('');
}

function ended(lines: readonly string[], end: string): string[] {
  const last = lines.at(-1);
  return last === undefined || last.endsWith('\n') ? [...lines] : [...lines.slice(0, -1), last + end];
}

/** Whether the lines around a conflict end in CR LF. */
function needsReturn({ lines0, lines1, lines2 }: Three, { i1, i2 }: Run): boolean {
  let answer = returnAt(lines1, Math.max(0, i1 - 1));
  if (answer !== false) answer = returnAt(lines2, Math.max(0, i2 - 1));
  if (answer !== false) answer = returnAt(lines0, 0);
  return answer === true;
}

/** Whether a line ends in CR LF; null where that can't be told. */
function returnAt(lines: readonly string[], at: number): boolean | null {
  const line = lines[at];
  if (line === undefined) return null;
  if (line.endsWith('\n')) return line.endsWith('\r\n');
  return at === 0 ? null : (lines[at - 1] as string).endsWith('\r\n');
}
