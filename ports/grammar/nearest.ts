/** The candidate that a typing error would turn into `word`, whatever its case; undefined when none is near. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let least = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = edits(word.toLowerCase(), candidate.toLowerCase());
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best;
}

/** More names than these are no help in a message. */
const LISTED = 12;

/** What goes behind a wrong name: the one that was probably meant; or all of them, up to 12; or nothing. */
export function meant(word: string, known: readonly string[], listed = LISTED): string {
  const near = nearest(word, known);
  if (near !== undefined) return `; did you mean '${near}'?`;
  return known.length === 0 || known.length > listed ? '' : ` (known: ${known.join(', ')})`;
}

/** Edit distance with swaps of neighbours (optimal string alignment). */
function edits(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let least = Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) least = Math.min(least, (before[j - 2] ?? 0) + 1);
      next.push(least);
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? 0;
}
