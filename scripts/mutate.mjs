// `npm run mutate [-- FOLDER…]`: breaks the compiled code in one small way at a time and looks whether a test notices (docs/TESTING.md).
// FOLDER is one of the table in mutate/folders.mjs, or a folder or file below one; without any, the whole table. Options:
// `--afresh` judges every mutant again, instead of only those whose code has changed, and survivors by tests that have come or changed;
// `--built` compiles nothing before; `--budget MS` is how much CPU a survivor may cost in a run (another run goes on with the tests that are left); `--survey` judges none.
// Stryker's instrumenter plants the mutants; it is fetched into the temporary folder on first use, as `npm run lint` does with its
// program: packages that nobody needs for anything else are no dependency. Its runner is not used: one process here judges all mutants
// of a folder, each by the tests that come by it, the cheapest and the likeliest first.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Court } from './mutate/court.mjs';
import { FOLDERS } from './mutate/folders.mjs';
import { filesLike } from './mutate/files-like.mjs';
import { plant } from './mutate/plant.mjs';
import { printSurvivors, printTable, sumUp } from './mutate/report.mjs';
import { Verdicts } from './mutate/verdicts.mjs';
import { ensureBuilt, ensureInstalled, ROOT } from './prepare.mjs';

const PACKAGE = '@stryker-mutator/instrumenter@9.6.1';
const HOME = join(tmpdir(), `git-kv-mutate-${process.getuid?.() ?? 0}`);
const STAGE = join(HOME, `stage-${process.pid}`);

/** Fetches the instrumenter, once a version. */
function ensureInstrumenter() {
  const stamp = join(HOME, 'packages');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === PACKAGE) return;
  mkdirSync(HOME, { recursive: true, mode: 0o700 });
  console.error(`fetching ${PACKAGE} into ${HOME}; it is no dependency of git-kv`);
  const args = ['install', '--prefix', HOME, '--ignore-scripts', '--no-save', '--no-audit', '--no-fund', PACKAGE];
  const { status } = spawnSync('npm', args, { cwd: HOME, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
  writeFileSync(stamp, PACKAGE);
}

/** A copy of what was compiled, to be broken; whatever else the tests read is pointed to. */
function makeStage() {
  rmSync(STAGE, { recursive: true, force: true });
  mkdirSync(STAGE);
  for (const name of readdirSync(ROOT))
    if (name !== 'dist' && !name.startsWith('.')) symlinkSync(join(ROOT, name), join(STAGE, name));
  cpSync(join(ROOT, 'dist'), join(STAGE, 'dist'), { recursive: true });
}

/** Judges the mutants of some compiled files; gives them with what became of each. */
async function judge({ folder, mutate, tests }, { afresh, budget, survey }) {
  makeStage();
  const read = (file) => (existsSync(join(ROOT, file)) ? readFileSync(join(ROOT, file), 'utf8') : '');
  const verdicts = new Verdicts(join(HOME, `${folder.replaceAll('/', '-')}.verdicts.json`), read, afresh);
  const files = filesLike(STAGE, mutate);
  const mutants = (await plant(HOME, STAGE, files)).filter(({ ignored }) => !ignored);
  const court = new Court(STAGE, filesLike(STAGE, tests));
  try {
    const found = await court.survey();
    const tell = (what, titles) => titles.length > 0 && console.error(`${what}:\n  ${titles.join('\n  ')}`);
    tell('fail unbroken, and end their unit', found.failures);
    tell('are slow, and judge nothing', found.slow);
    const all = found.tests.map(({ title, file }) => ({ title, file: relative(STAGE, resolve(STAGE, file)) }));
    const judged = [];
    for (const [i, mutant] of mutants.entries()) {
      const covering = found.reach.get(mutant.id);
      if (covering === undefined || covering.length === 0) {
        if (!found.atLoading.has(mutant.id)) judged.push({ ...mutant, status: 'no test' });
        continue;
      }
      let verdict = verdicts.of(mutant);
      const fresh = covering.filter((index) => !verdicts.hasSeen(verdict, all[index]));
      if (!survey && (verdict === undefined || (verdict.killer === null && fresh.length > 0))) {
        const { killer, ran } = await court.judge(mutant, fresh, found.hits.get(mutant.id), budget, verdicts.suspect(mutant));
        const byTitle = (title) => all.find((test) => test.title === title) ?? { title };
        verdicts.keep(mutant, { killer: killer === null ? null : byTitle(killer), ran: ran.map(byTitle) }, verdict);
        verdict = verdicts.of(mutant);
        if (i % 20 === 0) verdicts.save();
        if (process.stderr.isTTY) process.stderr.write(`\r${folder} ${i}/${mutants.length}`);
      }
      judged.push({ ...mutant, status: (verdict?.killer ?? null) === null ? 'survived' : 'killed' });
    }
    return judged;
  } finally {
    verdicts.save();
    court.close();
    rmSync(STAGE, { recursive: true, force: true });
  }
}

/** The rows of the table that the arguments name, cut down to what they name. */
function selected(names) {
  const wanted = names.length > 0 ? names.map((name) => name.replace(/\/$/, '')) : Object.keys(FOLDERS);
  return wanted.map((name) => {
    const rows = Object.keys(FOLDERS).filter((row) => name === row || name.startsWith(`${row}/`));
    const row = rows.sort((a, b) => b.length - a.length)[0];
    if (row === undefined || !existsSync(join(ROOT, name))) {
      console.error(`nothing says which tests look at ${name}; known: ${Object.keys(FOLDERS).join(', ')}`);
      process.exit(64);
    }
    const mutate = name.endsWith('.ts') ? [`dist/${name.replace(/\.ts$/, '.js')}`] : [`dist/${name}/**/*.js`];
    return { folder: row, shown: name, mutate, tests: FOLDERS[row].map((test) => `dist/test/${test}`) };
  });
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    afresh: { type: 'boolean' },
    built: { type: 'boolean' },
    survey: { type: 'boolean' },
    budget: { type: 'string', default: '20000' },
  },
});
const chosen = selected(positionals);
ensureInstalled();
if (!values.built) ensureBuilt();
ensureInstrumenter();
const sums = [];
for (const row of chosen) {
  const judged = await judge(row, { ...values, budget: Number(values.budget) });
  printSurvivors(row.shown, judged);
  sums.push(sumUp(row.shown, judged));
}
printTable(sums);
