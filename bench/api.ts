import { parseArgs } from 'node:util';
import { temporaryFolder } from '../test/support/temporary.js';
import { clones } from './api/clones.js';
import { branches, commits } from './api/commits.js';
import { costs, rates, requests } from './api/http.js';
import { memory } from './api/memory.js';
import { reportAll } from './report.js';

/**
 * node dist/bench/api.js [--quick]
 * The API: commits in process, in memory and kept, beside git's own processes; requests over HTTP to a server process; clones and pushes by
 * git beside `git http-backend`; what all of it takes in memory. `--quick` does a tenth of it.
 */
const { values: options } = parseArgs({ options: { quick: { type: 'boolean', default: false } } });
const scale = options.quick ? 0.1 : 1;
const folder = await temporaryFolder();
try {
  const sheets = [await commits(folder.path, 40_000 * scale), await branches()];
  sheets.push(await requests(folder.path, 10_000 * scale), await rates(folder.path), await costs());
  const size = { commits: 10_000 * scale, files: 5000 * scale, runs: options.quick ? 3 : 7 };
  const served = await clones(folder.path, size);
  sheets.push(served.sheet, await memory(100_000 * scale));
  const notes = { 'filling it by git push': `${(served.filling / 1000).toFixed(1)} s` };
  reportAll('api', served.tables, notes, sheets);
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  await folder.remove();
  process.exit(); // a server that is still there would keep this process
}
