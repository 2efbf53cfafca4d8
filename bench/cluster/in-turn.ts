import type { Row } from '../report.js';

/** What is measured beside others. */
export interface Side {
  readonly what: string;
  /** Called before each block of its writes. */
  readonly begin?: () => void;
  readonly write: (at: number) => Promise<unknown>;
}

/** So many writes of a side follow each other before it is the next one's turn. */
const BLOCK = 5;

/** How long each write takes, one after another; the sides take turns, so that what else the machine does meets all. */
export async function inTurn(sides: readonly Side[], runs: number, warmUp = 10): Promise<Row[]> {
  const rows = sides.map(({ what }) => ({ what, samples: [] as number[] }));
  for (const { begin, write } of sides) {
    begin?.();
    for (let at = 0; at < warmUp; at++) await write(at);
  }
  for (let from = 0; from < runs; from += BLOCK)
    for (const [n, { begin, write }] of sides.entries()) {
      begin?.();
      for (let at = from; at < Math.min(runs, from + BLOCK); at++) {
        const start = performance.now();
        await write(warmUp + at);
        rows[n]?.samples.push(performance.now() - start);
      }
    }
  return rows;
}

/** How many writes a second are taken, so many at a time. */
export async function rateOf({ begin, write }: Side, count: number, crowd: number): Promise<number> {
  begin?.();
  let next = 1_000_000;
  const last = next + count;
  const start = performance.now();
  const worker = async (): Promise<void> => {
    while (next < last) await write(next++);
  };
  await Promise.all(Array.from({ length: crowd }, worker));
  return Math.round((count * 1000) / (performance.now() - start));
}
