import { manyCommits } from './growth/many-commits.js';
import { type Filled, manyKeys } from './growth/many-keys.js';
import type { OneWrite } from './growth/one-write.js';
import { reportAll, type Row, round, type Sheet, type Table } from './report.js';

/**
 * What one write costs, to a linear and to a sequenced ledger, and the first read after another's write, as whole processes, the more keys
 * there are, and the more commits; and what a key of an import costs, beside one of `git fast-import`.
 * `node dist/bench/growth.js [--full]`: 1,000 and 62,500 keys, 100 and 10,000 commits; with --full a million keys and 100,000 commits too.
 */
const FULL = process.argv.includes('--full');
const KEYS = FULL ? [1000, 62_500, 1_000_000] : [1000, 62_500];
const COMMITS = FULL ? [100, 10_000, 100_000] : [100, 10_000];

const filled = new Map<number, Filled>();
for (const keys of KEYS) filled.set(keys, await manyKeys(keys));
const written = new Map<number, OneWrite>();
for (const commits of COMMITS) written.set(commits, await manyCommits(commits));

const named = (count: number, what: string): string => `${count.toLocaleString('en')} ${what}`;
const rowsOf = (part: keyof OneWrite): Row[] => [
  ...[...filled].map(([keys, { one }]) => ({ what: named(keys, 'keys'), samples: one[part] })),
  ...[...written].map(([commits, one]) => ({ what: named(commits, 'commits'), samples: one[part] })),
];
const tables: Table[] = [
  { title: 'git kv set of one key, linear ledger', rows: rowsOf('set') },
  { title: 'git kv set of one key, sequenced ledger', rows: rowsOf('intent') },
  { title: "git kv get after another's write", rows: rowsOf('get') },
];
const sheet: Sheet = {
  title: '25,000 keys a transaction',
  columns: ['s', 'ms a key', 'git fast-import s', 'ms a key'],
  rows: [...filled]
    .filter(([keys]) => keys > 1000)
    .map(([keys, { imported, fastImported }]) => [
      named(keys, 'keys'),
      ...[imported, fastImported].flatMap((ms) => [round(ms / 1000, 2), round(ms / keys, 3)]),
    ]),
};
reportAll('growth', tables, {}, [sheet]);
