import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startEach } from '../test/support/commands/kept.js';

startEach();

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

/** What was measured side by side; the first row is what the others are compared with. */
export interface Table {
  readonly title: string;
  readonly rows: readonly Row[];
}

/** Figures that are no samples of time. A row begins with what it is about; `columns` are the heads of the others. */
export interface Sheet {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly [string, ...(string | number)[]])[];
}

/** Prints a table with medians and ratios to the first row, and keeps everything as JSON. */
export function report(name: string, title: string, rows: readonly Row[], notes: Readonly<Record<string, unknown>> = {}): void {
  reportAll(name, [{ title, rows }], notes);
}

/** The same for a bench of several tables. Sheets follow the tables, and `notes` stand below them; `data` is kept in the JSON alone. */
export function reportAll(
  name: string,
  tables: readonly Table[],
  notes: Readonly<Record<string, unknown>> = {},
  sheets: readonly Sheet[] = [],
  data?: unknown,
): void {
  const measured = tables.map(({ title, rows }) => ({ title, rows: rows.map((row) => figures(row, rows[0] ?? row)) }));
  for (const { title, rows } of measured) {
    console.log(`\n${title}`);
    console.log(line('what', 'runs', 'p50 ms', 'p95 ms', 'ratio'));
    for (const { what, runs, p50, p95, ratio } of rows) console.log(line(what, runs, p50, p95, ratio));
  }
  for (const sheet of sheets) console.log(`\n${plain(sheet)}`);
  for (const [key, value] of Object.entries(notes))
    console.log(`${key}: ${typeof value === 'string' ? value : JSON.stringify(value)}`);
  mkdirSync(RESULTS, { recursive: true });
  const machine = { node: process.version, cpu: cpus()[0]?.model, cores: cpus().length, load: round(loadavg()[0] ?? 0) };
  const result = { name, machine, tables: measured, ...(sheets.length === 0 ? {} : { sheets }), notes, data };
  writeFileSync(join(RESULTS, `${name}.json`), `${JSON.stringify(result, null, 2)}\n`);
}

function figures({ what, samples }: Row, first: Row): { what: string; runs: number; p50: number; p95: number; ratio: number } {
  const p50 = quantile(samples, 0.5);
  return {
    what,
    runs: samples.length,
    p50: round(p50),
    p95: round(quantile(samples, 0.95)),
    ratio: round(p50 / quantile(first.samples, 0.5), 2),
  };
}

/** A sheet as text: the first column to the left, the others to the right. */
function plain({ title, columns, rows }: Sheet): string {
  const all = [[title, ...columns], ...rows].map((row) => row.map(String));
  const widths = [title, ...columns].map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  const pad = (cell: string, column: number): string =>
    column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0);
  return all.map((row) => row.map(pad).join('  ')).join('\n');
}

function line(what: string, ...cells: readonly (string | number)[]): string {
  return what.padEnd(66) + cells.map((cell) => String(cell).padStart(9)).join('');
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
