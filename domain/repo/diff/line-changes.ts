import { compact } from './compact.js';
import { histogramPair } from './histogram.js';
import { markChanges } from './myers.js';
import { type DiffPair, prepare } from './prepare.js';

/** A run of lines that another one takes the place of: from line `a` on, `removed` lines become `added` from line `b` on. From 0. */
export interface LineChange {
  readonly a: number;
  readonly b: number;
  readonly removed: number;
  readonly added: number;
}

/** What differs between two files, in order, as `git diff` finds it: Myers, with git's heuristics. */
export function lineChanges(a: readonly string[], b: readonly string[]): LineChange[] {
  const pair = prepare(a, b);
  markChanges(pair);
  return settled(pair, true);
}

/** What differs between two files, in order, as `git merge` finds it: the histogram, and no look at the indentation. */
export function mergeChanges(a: readonly string[], b: readonly string[]): LineChange[] {
  return settled(histogramPair(a, b), false);
}

function settled(pair: DiffPair, byIndentation: boolean): LineChange[] {
  compact(pair.a, pair.b, byIndentation);
  compact(pair.b, pair.a, byIndentation);
  return scriptOf(pair);
}

/** The runs of changed lines. */
function scriptOf({ a, b }: DiffPair): LineChange[] {
  const script: LineChange[] = [];
  for (let i = 0, j = 0; i < a.lines.length || j < b.lines.length; i++, j++) {
    const [fromA, fromB] = [i, j];
    while (a.changed[i + 1] === 1) i++;
    while (b.changed[j + 1] === 1) j++;
    if (i > fromA || j > fromB) script.push({ a: fromA, b: fromB, removed: i - fromA, added: j - fromB });
  }
  return script;
}
