import { manyCommits } from './growth/many-commits.js';
import { closeAll, measured } from './growth/one-write.js';
import { reportAll } from './report.js';
import type { World } from '../test/support/worlds/world.js';

/**
 * What one write costs, to a linear and to a sequenced ledger, and the first read after another's write, as whole processes, the more commits
 * there are.
 * `node dist/bench/growth-commits.js [--full]`: 100 and 10,000 commits; with --full 100,000 too.
 */
const COMMITS = process.argv.includes('--full') ? [100, 10_000, 100_000] : [100, 10_000];

const worlds = new Map<string, World>();
try {
  for (const commits of COMMITS) worlds.set(`${commits.toLocaleString('en')} commits`, await manyCommits(commits));
  reportAll('growth-commits', await measured(worlds));
} finally {
  await closeAll(worlds);
}
