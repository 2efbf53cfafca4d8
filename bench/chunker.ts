import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { EDITS, type Trial, trials } from './chunker/edits.js';
import { median, table } from './chunker/statistics.js';
import { throughput } from './chunker/throughput.js';

/**
 * node dist/bench/chunker.js [--trials N] [--quick]
 * Chunking beside `sha256sum`, and the new bytes that an edit of 5 % of a random value costs. Writes bench/results/chunker.json.
 */
const { values: options } = parseArgs({
  options: { trials: { type: 'string', default: '30' }, quick: { type: 'boolean', default: false } },
});
const count = options.quick ? 3 : Number(options.trials);
if (!Number.isInteger(count) || count < 1) throw new Error(`--trials ${options.trials}: not a positive whole number`);
const fileSize = options.quick ? 128_000_000 : 512_000_000;
const VALUE_SIZE = 100_000_000;
const SHARE = 0.05;
const BOUND = 6_000_000;
const RESULTS = new URL('../../bench/results/', import.meta.url);

const mb = (bytes: number): string => (bytes / 1e6).toFixed(2);

console.log(`${fileSize / 1e6} MB file, median of 3:`);
const speeds = await throughput(fileSize, 3);
console.log(
  table(
    ['', 'seconds', 'MB/s'],
    speeds.map((row) => [row.what, row.seconds.toFixed(2), row.megabytesPerSecond.toFixed(0)]),
  ),
);

const results = new Map<string, Trial[]>(EDITS.map((edit) => [edit.name, []]));
for (let trial = 1; trial <= count; trial += 1) {
  for (const [name, result] of await trials(trial, VALUE_SIZE, SHARE)) results.get(name)?.push(result);
}
const edits = [...results].map(([name, all]) => {
  const of = (field: keyof Trial): number[] => all.map((trial) => trial[field]);
  return {
    name,
    newBytes: { p50: median(of('newBytes')), max: Math.max(...of('newBytes')), all: of('newBytes') },
    overBound: of('newBytes').filter((bytes) => bytes > BOUND).length,
    newChunks: median(of('newChunks')),
    literalBytes: { p50: median(of('literalBytes')), max: Math.max(...of('literalBytes')) },
    grownLiteralBytes: { p50: median(of('grownLiteralBytes')), max: Math.max(...of('grownLiteralBytes')) },
    entries: median(of('entries')),
    entryBytes: median(of('entryBytes')),
    rereadBytes: median(of('rereadBytes')),
    pieceListBytes: median(of('pieceListBytes')),
    oldChunksPerNew: median(of('oldChunksPerNew')),
    deltaBytes: { p50: median(of('deltaBytes')), max: Math.max(...of('deltaBytes')) },
    milliseconds: median(of('milliseconds')),
  };
});

console.log(
  `\n${VALUE_SIZE / 1e6} MB random, ${SHARE * 100} % edited, ${count} trials; MB. The bound of one edit is ${mb(BOUND)}.`,
);
console.log(
  table(
    ['edit', 'new p50', 'new max', 'over', 'chunks'],
    edits.map((row) => [row.name, mb(row.newBytes.p50), mb(row.newBytes.max), `${row.overBound}/${count}`, `${row.newChunks}`]),
  ),
);
console.log('\nThe same, were a new chunk stored as ranges of old chunks (not in the product):');
console.log(
  table(
    [
      'edit',
      'literals p50',
      'max',
      'grown p50',
      'max',
      'entries',
      'their MB',
      'reread MB',
      'or list MB',
      'old/new',
      'git delta p50',
      'max',
      'ms',
    ],
    edits.map((row) => [
      row.name,
      ...[row.literalBytes.p50, row.literalBytes.max, row.grownLiteralBytes.p50, row.grownLiteralBytes.max].map(mb),
      `${row.entries}`,
      ...[row.entryBytes, row.rereadBytes, row.pieceListBytes].map(mb),
      row.oldChunksPerNew.toFixed(2),
      ...[row.deltaBytes.p50, row.deltaBytes.max].map(mb),
      row.milliseconds.toFixed(0),
    ]),
  ),
);
const peak = process.resourceUsage().maxRSS * 1024;
console.log(`\npeak resident memory ${mb(peak)} MB (the value of ${VALUE_SIZE / 1e6} MB is held)`);

await mkdir(RESULTS, { recursive: true });
const machine = { node: process.version, cpu: cpus()[0]?.model ?? '', cores: cpus().length };
const report = {
  date: new Date().toISOString(),
  machine,
  fileSize,
  valueSize: VALUE_SIZE,
  share: SHARE,
  bound: BOUND,
  trials: count,
};
await writeFile(new URL('chunker.json', RESULTS), `${JSON.stringify({ ...report, throughput: speeds, edits, peak }, null, 2)}\n`);
