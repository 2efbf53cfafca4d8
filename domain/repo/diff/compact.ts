import type { DiffSide } from './prepare.js';
import { isBetter, type Score, scoreOf } from './indent.js';

/** How far the indentation is looked at when a group of lines can be moved, lines. */
const MOST_SLIDING = 100;

/** A group of changed lines: `[start, end)`. Where a file has none, an empty one. */
class Group {
  start = 0;
  end = 0;

  constructor(private readonly side: DiffSide) {
    while (this.isChanged(this.end)) this.end++;
  }

  get isEmpty(): boolean {
    return this.start === this.end;
  }

  next(): boolean {
    if (this.end === this.side.lines.length) return false;
    this.start = this.end + 1;
    this.end = this.start;
    while (this.isChanged(this.end)) this.end++;
    return true;
  }

  previous(): boolean {
    if (this.start === 0) return false;
    this.end = this.start - 1;
    this.start = this.end;
    while (this.isChanged(this.start - 1)) this.start--;
    return true;
  }

  slideDown(): boolean {
    const { ids, changed, lines } = this.side;
    if (this.end >= lines.length || ids[this.start] !== ids[this.end]) return false;
    changed[++this.start] = 0;
    changed[++this.end] = 1;
    while (this.isChanged(this.end)) this.end++;
    return true;
  }

  slideUp(): boolean {
    const { ids, changed } = this.side;
    if (this.start <= 0 || ids[this.start - 1] !== ids[this.end - 1]) return false;
    changed[this.start--] = 1;
    changed[this.end--] = 0;
    while (this.isChanged(this.start - 1)) this.start--;
    return true;
  }

  private isChanged(line: number): boolean {
    return this.side.changed[line + 1] === 1;
  }
}

/**
 * Moves groups of changed lines to where a reader expects them (xdl_change_compact): together where they meet, beside a change of the
 * other file, or else, where that is asked for, where the indentation suggests it.
 */
export function compact(side: DiffSide, other: DiffSide, byIndentation: boolean): void {
  const group = new Group(side);
  const beside = new Group(other);
  do {
    if (!group.isEmpty) settle(side, group, beside, byIndentation);
    if (!group.next()) return;
  } while (beside.next());
}

function settle(side: DiffSide, group: Group, beside: Group, byIndentation: boolean): void {
  let size: number;
  let earliest: number;
  let matching: boolean;
  do {
    size = group.end - group.start;
    while (group.slideUp()) beside.previous();
    earliest = group.end;
    matching = !beside.isEmpty;
    while (group.slideDown()) {
      beside.next();
      if (!beside.isEmpty) matching = true;
    }
  } while (size !== group.end - group.start);
  if (group.end === earliest) return;
  if (matching) {
    while (beside.isEmpty) {
      group.slideUp();
      beside.previous();
    }
    return;
  }
  if (!byIndentation) return;
  const best = bestEnd(side, group, size, earliest);
  while (group.end > best) {
    group.slideUp();
    beside.previous();
  }
}

/** Where a group had best end, by the indentation around both of its ends. */
function bestEnd({ lines }: DiffSide, { end }: Group, size: number, earliest: number): number {
  let best = -1;
  let bestScore: Score = { indent: 0, penalty: 0 };
  for (let at = Math.max(earliest, end - size - 1, end - MOST_SLIDING); at <= end; at++) {
    const score = scoreOf(lines, at, at - size);
    if (best !== -1 && !isBetter(score, bestScore)) continue;
    best = at;
    bestScore = score;
  }
  return best;
}
