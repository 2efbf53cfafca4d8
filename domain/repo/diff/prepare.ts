/** One of two files that are compared (xdiff's xdfile_t): its lines, a number for each, and which of them are changed. */
export interface DiffSide {
  readonly lines: readonly string[];
  /** Equal lines have equal numbers, in both files. */
  readonly ids: Int32Array;
  /** 1 for a changed line; line `i` is at `i + 1`, and both ends are 0. */
  readonly changed: Uint8Array;
  /** The lines that are compared, by their place, and their numbers. */
  readonly places: Int32Array;
  readonly compared: Int32Array;
}

/** Two files that are compared. */
export interface DiffPair {
  readonly a: DiffSide;
  readonly b: DiffSide;
}

/** A line that occurs so often in the other file, at least, may be left out. */
const MOST_EQUAL = 1024;
const WINDOW = 100;
const RUN = 4;

/**
 * Numbers the lines of two files, cuts what both begin and end with, and leaves out lines that have no match, or too many among lines
 * without (xprepare.c): what is left is compared, what was left out is changed.
 */
export function prepare(a: readonly string[], b: readonly string[]): DiffPair {
  const numbers = new Map<string, number>();
  const [idsA, idsB] = [numbered(a, numbers), numbered(b, numbers)];
  const [countA, countB] = [counted(idsA, numbers.size), counted(idsB, numbers.size)];
  const shorter = Math.min(a.length, b.length);
  let start = 0;
  while (start < shorter && idsA[start] === idsB[start]) start++;
  let tail = 0;
  while (tail < shorter - start && idsA[a.length - 1 - tail] === idsB[b.length - 1 - tail]) tail++;
  return { a: cleaned(a, idsA, countB, start, a.length - tail), b: cleaned(b, idsB, countA, start, b.length - tail) };
}

/** Two files of which nothing is cut or left out. */
export function whole(a: readonly string[], b: readonly string[]): DiffPair {
  const numbers = new Map<string, number>();
  const side = (lines: readonly string[]): DiffSide => {
    const ids = numbered(lines, numbers);
    return { lines, ids, changed: new Uint8Array(lines.length + 2), places: new Int32Array(0), compared: ids };
  };
  return { a: side(a), b: side(b) };
}

function numbered(lines: readonly string[], numbers: Map<string, number>): Int32Array {
  const ids = new Int32Array(lines.length);
  for (const [i, line] of lines.entries()) {
    let id = numbers.get(line);
    if (id === undefined) {
      id = numbers.size;
      numbers.set(line, id);
    }
    ids[i] = id;
  }
  return ids;
}

function counted(ids: Int32Array, distinct: number): Int32Array {
  const counts = new Int32Array(distinct);
  for (const id of ids) (counts[id] as number)++;
  return counts;
}

/** Leaves out what need not be compared of lines `[start, end)`. */
function cleaned(lines: readonly string[], ids: Int32Array, others: Int32Array, start: number, end: number): DiffSide {
  const changed = new Uint8Array(lines.length + 2);
  const most = Math.min(roughRoot(lines.length), MOST_EQUAL);
  /** 0: no match; 1: some; 2: many. */
  const matches = new Uint8Array(lines.length);
  for (let i = start; i < end; i++) {
    const count = others[ids[i] as number] as number;
    matches[i] = count === 0 ? 0 : count >= most ? 2 : 1;
  }
  const places = new Int32Array(end - start);
  const compared = new Int32Array(end - start);
  let kept = 0;
  for (let i = start; i < end; i++) {
    if (matches[i] === 1 || (matches[i] === 2 && !isAmongUnmatched(matches, i, start, end - 1))) {
      places[kept] = i;
      compared[kept++] = ids[i] as number;
    } else changed[i + 1] = 1;
  }
  return { lines, ids, changed, places: places.subarray(0, kept), compared: compared.subarray(0, kept) };
}

/** Whether a line with many matches stands in a run of lines that mostly have none (xdl_clean_mmatch). */
function isAmongUnmatched(matches: Uint8Array, i: number, start: number, last: number): boolean {
  const [from, to] = [Math.max(start, i - WINDOW), Math.min(last, i + WINDOW)];
  let [none, many] = [0, 1];
  for (let at = i - 1; at >= from && matches[at] !== 1; at--) matches[at] === 0 ? none++ : many++;
  if (none === 0) return false;
  const before = none;
  many++; // the line itself is counted from both ends
  for (let at = i + 1; at <= to && matches[at] !== 1; at++) matches[at] === 0 ? none++ : many++;
  return none > before && many * RUN < many + none;
}

/** A power of two near the square root (xdl_bogosqrt). */
export function roughRoot(n: number): number {
  let root = 1;
  for (; n > 0; n >>= 2) root <<= 1;
  return root;
}
