/** As much as is kept of what a program says, characters: a message of any other side may be of any length. */
const KEPT = 256 * 1024;

/** What a program has said by now: all of it, or, where that is very much, its end. */
export function saidSoFar(before: string, more: string): string {
  const all = before + more;
  return all.length > 2 * KEPT ? all.slice(-KEPT) : all;
}
