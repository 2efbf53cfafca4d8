// `npm test [-- SUBSET … OPTION …]`: installs and builds what is missing, then runs the compiled tests, several files at a time.
// SUBSET is a folder of test/, such as unit, adapters, stargate, cli, e2e, robustness, fuzz, or one file of it; without one, everything
// runs. OPTION is mocha's, such as `-g WORDS`; `--jobs N` says how many files run at a time. Each file's output comes in one
// piece when the file has ended; at the end, the files that took longest are named, and what they computed; the last line is the sum:
// `N passed, N failed[, N skipped]`.
import { existsSync, readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { ensureBuilt, ensureInstalled, ROOT } from './prepare.mjs';
import { runFiles } from './test/pool.mjs';
import { lastTimes, slowest } from './test/times.mjs';

/**
 * The files that take longest, the longest first: whoever starts one of these at the end makes everybody wait for it. Where the suite
 * has run before, how long each took then is what counts.
 */
const LONGEST = [
  'e2e/transcripts',
  'simulation/simulation',
  'robustness/cluster-crash',
  'chaos/cluster/cluster',
  'e2e/readers/partial-clones',
  'e2e/compact',
  'e2e/readers/time-travel',
  'robustness/race',
  'robustness/verify-watchlog',
  'stargate/daemon',
  'e2e/mirror/mirror-diverged',
  'e2e/large-values',
  'e2e/bad-values',
  'e2e/landed',
  'e2e/readers/foreign-reader',
  'e2e/cluster/cluster',
  'e2e/readers/snapshot-verify',
  'fuzz/fuzz',
  'e2e/plugins',
  'unit/parsers/files',
  'unit/parsers/git',
  'unit/parsers/ledger',
  'unit/parsers/words',
  'cli/values',
  'cli/mset',
  'adapters/lock-etcd',
  'robustness/crash',
  'robustness/used-labels',
  'stargate/push',
  'robustness/bad-pushes',
  'e2e/mirror/mirror-bundle',
  'adapters/host-git',
  'robustness/bad-rollovers',
  'stargate/root',
  'e2e/writers/many-writers',
  'e2e/writers/parallel',
];

/** Files that mostly wait for what is silent or runs out: they run beside the others. */
const WAITING = [
  'adapters/git-cli/remote/silence',
  'e2e/readers/watch',
  'e2e/readers/watch-behind',
  'e2e/cluster/lock-etcd',
  'e2e/cluster/stopped-leader',
];

/** Files that look at how long something takes: they run when nothing else does. */
const ALONE = [
  'robustness/hostile/crowded-line',
  'robustness/hostile/half-sent-requests',
  'robustness/hostile/handshake-storm',
  'robustness/hostile/survival',
  'robustness/hostile/unread-answers',
  ...(process.env.GIT_KV_THOROUGH === '1' ? ['e2e/readers/snapshot-verify'] : []),
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

const times = lastTimes();
/** What is started first: a file that took long, or that nobody has timed and is known to. */
const rank = (file) => {
  const at = LONGEST.indexOf(file.replace('.test.js', ''));
  return times.of(file) ?? (at === -1 ? 0 : 1000 - at);
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
const files = [...new Set((subsets.length > 0 ? subsets : ['.']).flatMap(filesOf))].sort().sort((a, b) => rank(b) - rank(a));
const named = (names) => (file) => names.includes(file.replace('.test.js', ''));
const [isAlone, isWaiting] = [named(ALONE), named(WAITING)];
const beside = files.filter((file) => !isAlone(file));
/** One after the other; the lanes of a stage run at the same time. */
const stages = [
  [
    { files: beside.filter((file) => !isWaiting(file)), jobs: Number(jobs) },
    { files: beside.filter(isWaiting), jobs: 1 },
  ],
  [{ files: files.filter(isAlone), jobs: 1 }],
];

const started = Date.now();
const sum = { passed: 0, failed: 0, skipped: 0 };
const failures = [];
let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => (interrupted = true));
const take = (result) => {
  for (const name of Object.keys(sum)) sum[name] += result[name];
  failures.push(...result.failures);
  times.note(result);
};
for (const lanes of stages) {
  if (interrupted) break;
  await Promise.all(lanes.map((lane) => runFiles(lane.files, lane.jobs, mochaOptions, files.length > 1, take)));
}
times.keep();
if (files.length > 1) console.log(slowest(times.noted));
for (const failure of failures) console.log(`failed: ${failure}`);
console.log(`${files.length} files in ${Math.round((Date.now() - started) / 1000)} s`);
console.log(`${sum.passed} passed, ${sum.failed} failed${sum.skipped > 0 ? `, ${sum.skipped} skipped` : ''}`);
process.exit(interrupted ? 130 : sum.failed > 0 ? 1 : 0);
