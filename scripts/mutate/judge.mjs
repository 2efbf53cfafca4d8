// A process that has the tests of a folder loaded, and runs some of them with one mutant switched on: what `court.mjs` asks it for. One
// process judges all mutants, since loading the tests takes longer than most of them.
import Mocha from 'mocha';
import './reproducible.mjs';

/** What the switches in the mutated files read and count: the name is the instrumenter's. */
const SWITCHES = { mutantCoverage: { static: {}, perTest: {} }, currentTestId: undefined, activeMutant: undefined };
globalThis.__stryker__ = SWITCHES;

/** Tests of both object formats run on one: names of objects are opaque to all that is broken here. */
const OTHER_FORMAT = /sha256/;
/** How long a test or a hook may take, by how long it took unbroken; ms. */
const patience = (took) => 2000 + 10 * took;

const [files] = [JSON.parse(process.argv[2])];
let told = () => undefined;
const mocha = new Mocha({ timeout: 120_000, reporter: class { constructor(runner) { told(runner); } } }); // biome-ignore format: a line
mocha.cleanReferencesAfterRun(false);
for (const file of files) mocha.addFile(file);
await mocha.loadFilesAsync();
const units = mocha.suite.suites;

/** Runs the tests of some units with these titles; gives the first that failed. */
async function run(chosen, wanted, listen = () => undefined) {
  let failed = null;
  mocha.suite.suites = chosen;
  for (const suite of [mocha.suite, ...chosen]) setBail(suite);
  mocha.grep({ test: wanted });
  told = (runner) => {
    listen(runner);
    runner.on('fail', (test, error) => {
      failed ??= { title: test.fullTitle(), test: titleOf(test), late: /^Timeout of /.test(error?.message ?? '') };
    });
  };
  await new Promise((resolve) => mocha.run(resolve));
  return failed;
}

const setBail = (suite) => {
  suite.bail(true);
  suite.suites.forEach(setBail);
};

/** The test that a hook's failure befell. */
const titleOf = (runnable) => (runnable.type === 'hook' ? (runnable.ctx.currentTest?.fullTitle() ?? null) : runnable.fullTitle());

/** Runs everything unbroken: gives the tests, in their order, with what they cost, and which mutants each comes by. */
async function survey() {
  const tests = [];
  const [hooks, started] = [new Map(), new Map()];
  const begin = (id, runnable) => {
    SWITCHES.currentTestId = id;
    started.set(runnable, [performance.now(), process.cpuUsage()]);
  };
  const took = (runnable) => {
    const [wall, cpu] = started.get(runnable);
    const { user, system } = process.cpuUsage(cpu);
    runnable._timeout = patience(performance.now() - wall); // timeout() would start its clock, and it has ended
    return (user + system) / 1000;
  };
  const failures = [];
  for (const [unit, suite] of units.entries()) {
    const ofAll = (hook) => hook.title.startsWith('"before all"') || hook.title.startsWith('"after all"');
    const failed = await run(
      [suite],
      (title) => !OTHER_FORMAT.test(title),
      (runner) => {
        runner.on('hook', (hook) => begin(ofAll(hook) ? `suite ${hook.parent.fullTitle()}` : SWITCHES.currentTestId, hook));
        runner.on('hook end', (hook) => {
          const cost = took(hook);
          if (ofAll(hook)) hooks.set(unit, (hooks.get(unit) ?? 0) + cost);
        });
        runner.on('test', (test) => begin(`test ${test.fullTitle()}`, test));
        runner.on('test end', (test) => {
          if (test.isPending() || test.state !== 'passed') return;
          tests.push({ title: test.fullTitle(), unit, file: test.file, cpu: took(test), suites: suitesOf(test) });
        });
      },
    );
    if (failed !== null) failures.push(failed.title);
  }
  SWITCHES.currentTestId = undefined;
  const { perTest, static: loaded } = SWITCHES.mutantCoverage;
  SWITCHES.mutantCoverage.perTest = {};
  return { tests, hooks: [...hooks], failures, perTest, loaded };
}

const suitesOf = (test) => {
  const titles = [];
  for (let suite = test.parent; suite !== undefined && suite.title !== ''; suite = suite.parent) titles.push(suite.fullTitle());
  return titles;
};

/** Switches a mutant on (null: none), and runs tests: pairs of a unit and the titles in it. Gives the first that failed. */
async function judge({ mutant, limit, runs }) {
  Object.assign(SWITCHES, { activeMutant: mutant ?? undefined, hitCount: 0, hitLimit: limit });
  let failed = null;
  for (const [unit, titles] of runs) {
    const wanted = new Set(titles);
    failed = await run([units[unit]], (title) => wanted.has(title));
    if (failed === null && SWITCHES.hitCount > limit) failed = { title: titles[0], test: null, late: true };
    if (failed !== null) break;
  }
  SWITCHES.activeMutant = undefined;
  return failed;
}

process.on('message', async (asked) => process.send(asked.survey ? await survey() : { failed: await judge(asked) }));
process.send({ ready: true });
