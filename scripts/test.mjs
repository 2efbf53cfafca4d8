// `npm test [-- SUBSET … OPTION …]`: installs and builds what is missing, then runs the compiled tests, several files at a time.
// SUBSET is a folder of test/, such as unit, adapters, stargate, cli, e2e, robustness, fuzz, or one file of it; without one, everything
// runs. OPTION is mocha's, such as `-g WORDS`; `--jobs N` says how many files run at a time. Each file's output comes in one
// piece when the file has ended; the last line is the sum: `N passed, N failed[, N skipped]`.
import { existsSync, readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { ensureBuilt, ensureInstalled, ROOT } from './prepare.mjs';
import { runFiles } from './test/pool.mjs';

/** The files that take longest, the longest first: whoever starts one of these at the end makes everybody wait for it. */
const LONGEST = [
  'e2e/transcripts',
  'simulation/simulation',
  'robustness/cluster-crash',
  'chaos/cluster/cluster',
  'e2e/many-writers',
  'e2e/partial-clones',
  'e2e/foreign-reader',
  'robustness/bad-pushes',
  'fuzz/fuzz',
  'e2e/compact',
  'e2e/large-values',
  'robustness/race',
  'robustness/verify',
  'e2e/watch',
  'robustness/bad-rollovers',
  'e2e/parallel',
  'robustness/bad-chunks',
  'cli/writes',
  'cli/values',
  'e2e/time-travel',
  'adapters/git-silence',
  'stargate/daemon',
];

/** Files that look at how long something takes: they run when nothing else does. */
const ALONE = [
  'adapters/git-partial',
  'e2e/snapshot-verify',
  'robustness/hostile/half-sent-requests',
  'robustness/hostile/handshake-storm',
  'robustness/hostile/survival',
  'robustness/hostile/unread-answers',
];

/** The compiled test files of a folder of test/, or the one file of that name. */
function filesOf(subset) {
  const path = join(ROOT, 'test', subset);
  if (!existsSync(path)) {
    console.error(`no tests at test/${subset}`);
    process.exit(64);
  }
  if (statSync(path).isFile()) return [subset.replace(/\.ts$/, '.js')];
  const names = readdirSync(join(ROOT, 'dist', 'test', subset), { recursive: true });
  return names.filter((name) => name.endsWith('.test.js')).map((name) => join(subset, name));
}

const rank = (file) => {
  const at = LONGEST.indexOf(file.replace('.test.js', ''));
  return at === -1 ? LONGEST.length : at;
};

ensureInstalled();
ensureBuilt();
const { loadOptions } = createRequire(import.meta.url)('mocha/lib/cli/options.cjs');
const { _: subsets, jobs = availableParallelism() + 1, ...options } = loadOptions(process.argv.slice(2));
// The command line's names, as mocha's class has them.
const camel = (name) => name.replace(/-(.)/g, (_, letter) => letter.toUpperCase());
const mochaOptions = {
  color: process.stdout.isTTY,
  ...Object.fromEntries(Object.entries(options).map(([name, value]) => [camel(name), value])),
};
const files = [...new Set((subsets.length > 0 ? subsets : ['.']).flatMap(filesOf))].sort().sort((a, b) => rank(a) - rank(b));
const isAlone = (file) => ALONE.includes(file.replace('.test.js', ''));
const stages = [
  { files: files.filter((file) => !isAlone(file)), jobs: Number(jobs) },
  { files: files.filter(isAlone), jobs: 1 },
];

const started = Date.now();
const sum = { passed: 0, failed: 0, skipped: 0 };
const failures = [];
let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => (interrupted = true));
for (const stage of stages) {
  if (interrupted) break;
  await runFiles(stage.files, stage.jobs, mochaOptions, (result) => {
    for (const name of Object.keys(sum)) sum[name] += result[name];
    failures.push(...result.failures);
  });
}
for (const failure of failures) console.log(`failed: ${failure}`);
console.log(`${files.length} files in ${Math.round((Date.now() - started) / 1000)} s`);
console.log(`${sum.passed} passed, ${sum.failed} failed${sum.skipped > 0 ? `, ${sum.skipped} skipped` : ''}`);
process.exit(interrupted ? 130 : sum.failed > 0 ? 1 : 0);
