// `npm run mutate [-- FOLDER…]`: breaks the compiled code in one small way at a time and looks whether a test notices (docs/TESTING.md).
// FOLDER is one of the table in mutate/folders.mjs, or a folder or file below one; without any, the whole table. Options:
// `--afresh` judges every mutant again, instead of only those whose code has changed, or whose tests came or went, since the last run.
// Stryker does the work; it is fetched into the temporary folder on first use, as `npm run lint` does with its program: 250 packages
// that nobody needs for anything else are no dependency.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FOLDERS } from './mutate/folders.mjs';
import { printSurvivors, printTable, sumUp } from './mutate/report.mjs';
import { ensureBuilt, ensureInstalled, ROOT } from './prepare.mjs';

/** Stryker 10 wants Node 22, and its runner knows no Mocha from 12 on: it has one of its own, which is enough for these tests. */
const PACKAGES = ['@stryker-mutator/core@9.6.1', '@stryker-mutator/mocha-runner@9.6.1', 'mocha@11.8.0'];
const HOME = join(tmpdir(), `git-kv-mutate-${process.getuid?.() ?? 0}`);
const STAGE = join(HOME, `stage-${process.pid}`);

/** Fetches Stryker, once a version. */
function ensureStryker() {
  const stamp = join(HOME, 'packages');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === PACKAGES.join(' ')) return;
  mkdirSync(HOME, { recursive: true, mode: 0o700 });
  console.error(`fetching ${PACKAGES[0]} into ${HOME}; it is no dependency of git-kv`);
  const args = ['install', '--prefix', HOME, '--ignore-scripts', '--no-save', '--no-audit', '--no-fund', ...PACKAGES];
  const { status } = spawnSync('npm', args, { cwd: HOME, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
  writeFileSync(stamp, PACKAGES.join(' '));
}

/** A copy of what was compiled, to be broken; whatever else the tests read is pointed to. */
function makeStage() {
  mkdirSync(STAGE);
  for (const name of readdirSync(ROOT))
    if (name !== 'dist' && !name.startsWith('.')) symlinkSync(join(ROOT, name), join(STAGE, name));
  cpSync(join(ROOT, 'dist'), join(STAGE, 'dist'), { recursive: true });
}

/** Judges the mutants of some compiled files; gives Stryker's report. */
function judge({ folder, mutate, tests }, afresh) {
  const name = folder.replaceAll('/', '-');
  const report = join(HOME, `${name}.json`);
  const config = join(HOME, `${name}.config.json`);
  const runner = join(HOME, 'node_modules', '@stryker-mutator', 'mocha-runner', 'dist', 'src', 'index.js');
  const options = {
    testRunner: 'mocha',
    plugins: [runner, join(ROOT, 'scripts', 'mutate', 'words.mjs')],
    ignorers: ['words'],
    mutate,
    // Object names are opaque to all that is broken here: tests that run on both object formats run on one.
    mochaOptions: {
      'no-config': true,
      grep: '^(?!.*sha256)',
      spec: tests,
      require: [join(ROOT, 'scripts', 'mutate', 'reproducible.mjs')],
    },
    coverageAnalysis: 'perTest',
    concurrency: 1,
    inPlace: true,
    // What would have to be judged in a process of its own for every mutant: constants that a module makes when it is loaded.
    ignoreStatic: true,
    ignorePatterns: ['/*', '!/dist', '!/package.json'],
    // Its reader of tsconfig.json needs the JavaScript API of TypeScript, which version 7 hasn't.
    tsconfigFile: 'none.json',
    incremental: true,
    force: afresh,
    incrementalFile: join(HOME, `${name}.judged.json`),
    reporters: ['json', ...(process.stderr.isTTY ? ['progress'] : [])],
    jsonReporter: { fileName: report },
    timeoutMS: 8000,
    timeoutFactor: 3,
    dryRunTimeoutMinutes: 15,
    checkers: [],
    allowEmpty: true,
    tempDirName: join(HOME, 'tmp'),
    thresholds: { high: 85, low: 70, break: null },
  };
  writeFileSync(config, JSON.stringify(options, null, 2));
  rmSync(report, { force: true });
  const stryker = join(HOME, 'node_modules', '@stryker-mutator', 'core', 'bin', 'stryker.js');
  const { status } = spawnSync(process.execPath, [stryker, 'run', config], { cwd: STAGE, stdio: ['ignore', 2, 2] });
  if (status !== 0 || !existsSync(report)) throw new Error(`Stryker gave up on ${folder}`);
  return JSON.parse(readFileSync(report, 'utf8'));
}

/** The rows of the table that the arguments name, cut down to what they name. */
function selected(names) {
  const wanted = names.length > 0 ? names.map((name) => name.replace(/\/$/, '')) : Object.keys(FOLDERS);
  return wanted.map((name) => {
    const folder = Object.keys(FOLDERS).find((row) => name === row || name.startsWith(`${row}/`));
    if (folder === undefined || !existsSync(join(ROOT, name))) {
      console.error(`nothing says which tests look at ${name}; known: ${Object.keys(FOLDERS).join(', ')}`);
      process.exit(64);
    }
    const mutate = name.endsWith('.ts') ? [`dist/${name.replace(/\.ts$/, '.js')}`] : [`dist/${name}/**/*.js`];
    return { folder: name, mutate, tests: FOLDERS[folder].map((test) => `dist/test/${test}`) };
  });
}

const args = process.argv.slice(2);
const chosen = selected(args.filter((arg) => !arg.startsWith('--')));
ensureInstalled();
ensureBuilt();
ensureStryker();
makeStage();
const sums = [];
try {
  for (const row of chosen) {
    const report = judge(row, args.includes('--afresh'));
    printSurvivors(row.folder, report);
    sums.push(sumUp(row.folder, report));
  }
} finally {
  rmSync(STAGE, { recursive: true, force: true });
}
printTable(sums);
