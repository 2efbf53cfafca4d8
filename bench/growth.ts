import { type Filled, manyKeys } from './growth/many-keys.js';
import { closeAll, measured } from './growth/one-write.js';
import { reportAll, round, type Sheet } from './report.js';

/**
 * What one write costs, to a linear and to a sequenced ledger, and the first read after another's write, as whole processes, the more keys
 * there are; and what a key of an import costs, beside one of `git fast-import`.
 * `node dist/bench/growth.js [--full]`: 1,000 and 62,500 keys; with --full a million too.
 */
const KEYS = process.argv.includes('--full') ? [1000, 62_500, 1_000_000] : [1000, 62_500];

const named = (keys: number): string => `${keys.toLocaleString('en')} keys`;
const filled = new Map<number, Filled>();
const worlds = () => new Map([...filled].map(([keys, { world }]) => [named(keys), world]));
try {
  for (const keys of KEYS) filled.set(keys, await manyKeys(keys));
  const sheet: Sheet = {
    title: '25,000 keys a transaction',
    columns: ['s', 'ms a key', 'git fast-import s', 'ms a key'],
    rows: [...filled]
      .filter(([keys]) => keys > 1000)
      .map(([keys, { imported, fastImported }]) => [
        named(keys),
        ...[imported, fastImported].flatMap((ms) => [round(ms / 1000, 2), round(ms / keys, 3)]),
      ]),
  };
  reportAll('growth', await measured(worlds()), {}, [sheet]);
} finally {
  await closeAll(worlds());
}
