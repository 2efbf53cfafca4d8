import { parseArgs } from 'node:util';
import { EDITS, type Trial, trials } from './chunker/edits.js';
import { levels, type LevelResult } from './chunker/levels.js';
import { median } from './chunker/statistics.js';
import { stores } from './chunker/stores.js';
import { throughput } from './chunker/throughput.js';
import { megabytes } from './fresh-clone.js';
import { quantile, reportAll, round, type Sheet } from './report.js';

/**
 * node dist/bench/chunker.js [--trials N] [--values N] [--edits N] [--quick]
 * Chunking beside `sha256sum`, restic and borg, and the new bytes that an edit of 5 % of a random value costs. A MB is 10^6 bytes
 * throughout: the value has 100, the edit 5, the bound is 6.
 */
const { values: options } = parseArgs({
  options: {
    trials: { type: 'string', default: '30' },
    values: { type: 'string', default: '120' },
    edits: { type: 'string', default: '10' },
    quick: { type: 'boolean', default: false },
  },
});
const positive = (name: 'trials' | 'values' | 'edits', quick: number): number => {
  const count = options.quick ? quick : Number(options[name]);
  if (Number.isInteger(count) && count > 0) return count;
  throw new Error(`--${name} ${options[name]}: not a positive whole number`);
};
const count = positive('trials', 3);
const values = positive('values', 3);
const editsEach = positive('edits', 2);
const fileSize = options.quick ? 128 * 1024 ** 2 : 1024 ** 3;
const VALUE_SIZE = 100_000_000;
const SHARE = 0.05;
const BOUND = 6_000_000;
/** What the bound leaves for chunks that the edit only touches; and what it would, were its MB 2^20 bytes. */
const ROOM = BOUND - VALUE_SIZE * SHARE;
const BINARY_ROOM = 1024 ** 2;
/** Seeds of other values than the trials have. */
const OTHER_SEEDS = Array.from({ length: values }, (_, i) => 1001 + i);

const { all: keep, missing } = await stores();
const speeds = await throughput(fileSize, 3, keep, options.quick ? 1 : 2);
console.log('throughput: done');

const results = new Map<string, Trial[]>(EDITS.map((edit) => [edit.name, []]));
for (let trial = 1; trial <= count; trial += 1) {
  for (const [name, result] of await trials(trial, VALUE_SIZE, SHARE)) results.get(name)?.push(result);
}
console.log(`${count} trials: done`);
const byLevel = await levels(OTHER_SEEDS, VALUE_SIZE, SHARE, editsEach);

const over = (bytes: readonly number[]): number => bytes.filter((each) => each > BOUND).length;
const percent = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(1)} %`;

function levelRow({ level, edit, first, more }: LevelResult): Sheet['rows'][number] {
  const all = [...first, ...more];
  const binary = all.filter((bytes) => bytes - VALUE_SIZE * SHARE > BINARY_ROOM).length;
  return [
    `level ${level}: ${edit}`,
    ...[quantile(all, 0.5), quantile(all, 0.95), Math.max(...all)].map(megabytes),
    `${over(first)} of ${first.length}`,
    percent(over(all), all.length),
    percent(binary, all.length),
  ];
}

function realignedRow({ level, edit, realigned }: LevelResult): Sheet['rows'][number] {
  return [
    `level ${level}: ${edit}`,
    ...[0.5, 0.95, 0.99].map((q) => megabytes(quantile(realigned, q))),
    megabytes(Math.max(...realigned)),
    percent(over(realigned), realigned.length),
  ];
}

const edits = [...results].map(([name, all]) => {
  const of = (field: keyof Trial): number[] => all.map((trial) => trial[field]);
  const both = (field: keyof Trial): { p50: number; max: number } => ({ p50: median(of(field)), max: Math.max(...of(field)) });
  const fields = [
    'newChunks',
    'entries',
    'entryBytes',
    'rereadBytes',
    'pieceListBytes',
    'oldChunksPerNew',
    'milliseconds',
  ] as const;
  return {
    name,
    newBytes: { ...both('newBytes'), all: of('newBytes') },
    overBound: over(of('newBytes')),
    literalBytes: both('literalBytes'),
    grownLiteralBytes: both('grownLiteralBytes'),
    deltaBytes: both('deltaBytes'),
    ...(Object.fromEntries(fields.map((field) => [field, median(of(field))])) as Record<(typeof fields)[number], number>),
  };
});
const mb = (bytes: number): string => megabytes(bytes).toFixed(2);
const sheets: Sheet[] = [
  {
    title: `A random file of ${fileSize / 1024 ** 2} MiB`,
    columns: ['MB/s'],
    rows: speeds.map(({ what, megabytesPerSecond }) => [what, Math.round(megabytesPerSecond)]),
  },
  {
    title: `New chunk bytes, MB: ${SHARE * 100} % of ${VALUE_SIZE / 1e6} MB edited`,
    columns: ['p50', 'max', `over ${mb(BOUND)}`],
    rows: edits.map((row) => [row.name, mb(row.newBytes.p50), mb(row.newBytes.max), `${row.overBound} of ${count}`]),
  },
  {
    title: `The same of ${values} other values, ${editsEach} edits of each`,
    columns: ['p50', 'p95', 'max', `over ${mb(BOUND)}: first edits`, 'all edits', 'all, were a MB 2^20'],
    rows: byLevel.map(levelRow),
  },
  {
    title: 'The same edits, were only what changed cut anew and every other old chunk kept (not in the product)',
    columns: ['p50', 'p95', 'p99', 'max', `over ${mb(BOUND)}`],
    rows: byLevel.map(realignedRow),
  },
  {
    title: 'The trials, were a new chunk stored as ranges of old chunks (not in the product); MB',
    columns: ['literals p50', 'max', 'grown p50', 'max', 'entries', 'their MB', 'old chunks per new', 'git delta p50', 'max'],
    rows: edits.map((row) => [
      row.name,
      ...[row.literalBytes.p50, row.literalBytes.max, row.grownLiteralBytes.p50, row.grownLiteralBytes.max].map(mb),
      row.entries,
      mb(row.entryBytes),
      round(row.oldChunksPerNew, 2),
      ...[row.deltaBytes.p50, row.deltaBytes.max].map(mb),
    ]),
  },
];
const notes = {
  'what one edit may add to its own bytes, MB': mb(ROOM),
  ...Object.fromEntries(missing.map((program) => [program, 'skipped, it is not installed'])),
};
reportAll('chunker', [], notes, sheets, {
  fileSize,
  valueSize: VALUE_SIZE,
  share: SHARE,
  bound: BOUND,
  throughput: speeds,
  edits,
});
