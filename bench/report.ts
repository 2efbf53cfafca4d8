import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const RESULTS = fileURLToPath(new URL('../../bench/results/', import.meta.url));

/** One measured thing beside its peer. Times in ms. */
export interface Row {
  readonly what: string;
  readonly samples: readonly number[];
}

export function quantile(samples: readonly number[], q: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}

/** Prints a table with medians and ratios to the first row, and keeps everything as JSON. */
export function report(name: string, title: string, rows: readonly Row[], extra: Readonly<Record<string, unknown>> = {}): void {
  const base = quantile(rows[0]?.samples ?? [], 0.5);
  const table = rows.map(({ what, samples }) => ({
    what,
    runs: samples.length,
    p50: round(quantile(samples, 0.5)),
    p95: round(quantile(samples, 0.95)),
    ratio: round(quantile(samples, 0.5) / base, 2),
  }));
  console.log(`\n${title}`);
  console.log(`${'what'.padEnd(58)}${'runs'.padStart(6)}${'p50 ms'.padStart(10)}${'p95 ms'.padStart(10)}${'ratio'.padStart(8)}`);
  for (const { what, runs, p50, p95, ratio } of table) {
    console.log(
      `${what.padEnd(58)}${String(runs).padStart(6)}${String(p50).padStart(10)}${String(p95).padStart(10)}${String(ratio).padStart(8)}`,
    );
  }
  for (const [key, value] of Object.entries(extra))
    console.log(`${key}: ${typeof value === 'string' ? value : JSON.stringify(value)}`);
  mkdirSync(RESULTS, { recursive: true });
  const machine = { node: process.version, cpu: cpus()[0]?.model, cores: cpus().length };
  writeFileSync(join(RESULTS, `${name}.json`), `${JSON.stringify({ name, title, machine, table, ...extra }, null, 2)}\n`);
}

export function round(value: number, digits = 1): number {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}

/** The wall time of some work, ms. */
export async function timed(work: () => Promise<unknown> | unknown): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}
