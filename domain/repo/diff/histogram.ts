import { markChanges } from './myers.js';
import { type DiffPair, prepare, whole } from './prepare.js';

/** Equal lines in one place above which a line tells nothing. */
const MOST_EQUAL = 64;

interface Seen {
  /** The first place of the line, from 1, and how often it is there. */
  at: number;
  count: number;
}

interface Region {
  readonly begin1: number;
  readonly begin2: number;
  readonly end1: number;
  readonly end2: number;
}

/** What differs between two files, found around the lines that are rarest in the first (xhistogram.c); git merges with it. */
export function histogramPair(a: readonly string[], b: readonly string[]): DiffPair {
  const pair = whole(a, b);
  const open = [{ line1: 1, count1: a.length, line2: 1, count2: b.length }];
  for (let box = open.pop(); box !== undefined; box = open.pop()) {
    const { line1, count1, line2, count2 } = box;
    if (count1 === 0 || count2 === 0) {
      mark(pair, box);
      continue;
    }
    const found = new Histogram(pair, box).longest();
    if (found === 'too many') classic(pair, a, b, box);
    else if (found === null) mark(pair, box);
    else {
      const { begin1, begin2, end1, end2 } = found;
      open.push({ line1: end1 + 1, count1: line1 + count1 - 1 - end1, line2: end2 + 1, count2: line2 + count2 - 1 - end2 });
      open.push({ line1, count1: begin1 - line1, line2, count2: begin2 - line2 });
    }
  }
  return pair;
}

interface Box {
  readonly line1: number;
  readonly count1: number;
  readonly line2: number;
  readonly count2: number;
}

function mark({ a, b }: DiffPair, { line1, count1, line2, count2 }: Box): void {
  // Line 1 is the first, and stands at 1.
  a.changed.fill(1, line1, line1 + count1);
  b.changed.fill(1, line2, line2 + count2);
}

/** Compares a box as `git diff` does. */
function classic({ a, b }: DiffPair, linesA: readonly string[], linesB: readonly string[], box: Box): void {
  const [fromA, fromB] = [box.line1 - 1, box.line2 - 1];
  const pair = prepare(linesA.slice(fromA, fromA + box.count1), linesB.slice(fromB, fromB + box.count2));
  markChanges(pair);
  a.changed.set(pair.a.changed.subarray(1, 1 + box.count1), box.line1);
  b.changed.set(pair.b.changed.subarray(1, 1 + box.count2), box.line2);
}

class Histogram {
  private readonly seen = new Map<number, Seen>();
  /** The next place of the same line, from `line1` on; 0 at the last. */
  private readonly next: Uint32Array;
  private rarest = MOST_EQUAL + 1;
  private hasCommon = false;
  private best: Region = { begin1: 0, begin2: 0, end1: 0, end2: 0 };
  private readonly last1: number;
  private readonly last2: number;

  constructor(
    private readonly pair: DiffPair,
    private readonly box: Box,
  ) {
    this.last1 = box.line1 + box.count1 - 1;
    this.last2 = box.line2 + box.count2 - 1;
    this.next = new Uint32Array(box.count1);
  }

  longest(): Region | null | 'too many' {
    const { line1, line2 } = this.box;
    for (let at = this.last1; at >= line1; at--) {
      const id = this.id1(at);
      const seen = this.seen.get(id);
      if (seen === undefined) this.seen.set(id, { at, count: 1 });
      else {
        this.next[at - line1] = seen.at;
        seen.at = at;
        seen.count++;
      }
    }
    for (let at = line2; at <= this.last2; ) at = this.tryFrom(at);
    if (this.hasCommon && this.rarest > MOST_EQUAL) return 'too many';
    return this.best.begin1 === 0 && this.best.begin2 === 0 ? null : this.best;
  }

  /** Looks for a better region around a line of the second file; gives the next line to look at. */
  private tryFrom(at2: number): number {
    const { line1, line2 } = this.box;
    let following = at2 + 1;
    const seen = this.seen.get(this.id2(at2));
    if (seen === undefined) return following;
    this.hasCommon = true;
    if (seen.count > this.rarest) return following;
    for (let at1 = seen.at; at1 !== 0; ) {
      let [begin1, begin2, end1, end2, count] = [at1, at2, at1, at2, seen.count];
      let np = this.next[at1 - line1] as number;
      while (line1 < begin1 && line2 < begin2 && this.id1(begin1 - 1) === this.id2(begin2 - 1)) {
        begin1--;
        begin2--;
        if (count > 1) count = Math.min(count, this.countAt(begin1));
      }
      while (end1 < this.last1 && end2 < this.last2 && this.id1(end1 + 1) === this.id2(end2 + 1)) {
        end1++;
        end2++;
        if (count > 1) count = Math.min(count, this.countAt(end1));
      }
      if (following <= end2) following = end2 + 1;
      if (this.best.end1 - this.best.begin1 < end1 - begin1 || count < this.rarest) {
        this.best = { begin1, begin2, end1, end2 };
        this.rarest = count;
      }
      while (np !== 0 && np <= end1) np = this.next[np - line1] as number;
      at1 = np;
    }
    return following;
  }

  private id1(line: number): number {
    return this.pair.a.ids[line - 1] as number;
  }

  private id2(line: number): number {
    return this.pair.b.ids[line - 1] as number;
  }

  private countAt(line: number): number {
    return this.seen.get(this.id1(line))?.count ?? 0;
  }
}
