/** The label of a namespace's first epoch: the quarter it begins in, such as `2026Q4`. `now` in ms since the epoch. */
export function firstEpochLabel(now: number): string {
  const date = new Date(now);
  return `${date.getUTCFullYear()}Q${Math.floor(date.getUTCMonth() / 3) + 1}`;
}
