// Judges mutants: which tests to run for each, in which order, and what their failing means.
import { fork } from 'node:child_process';
import { join } from 'node:path';

/** Tests that take longer than this, ms of CPU, judge nothing: each mutant that they come by would cost as much. */
const SLOW = 400;
/** A process that says nothing for so long is stuck in a mutant; ms, and more where the tests take long. */
const STUCK = 30_000;

/** A process that has the tests loaded; begun again when a mutant has broken it. */
export class Court {
  #child = null;
  #tests = [];
  #hooks = new Map();
  /** Tests that fail by themselves: with all that come before them in their unit they don't. Value: whether that is so. */
  #dependent = new Map();
  /** How often a test has noticed a mutant of a file. */
  #merits = new Map();

  constructor(stage, files) {
    this.stage = stage;
    this.files = files;
  }

  /** Runs all tests unbroken: gives which of them come by each mutant (by id) as indexes, and how often it is come by in all. */
  async survey() {
    const { tests, hooks, failures, perTest, loaded } = await this.#ask({ survey: true }, 600_000);
    this.#tests = tests;
    this.#hooks = new Map(hooks);
    const reach = new Map();
    const hits = new Map();
    for (const [title, counts] of Object.entries(perTest))
      for (const [id, count] of Object.entries(counts)) {
        hits.set(id, (hits.get(id) ?? 0) + count);
        if (!reach.has(id)) reach.set(id, new Set());
        reach.get(id).add(title);
      }
    const byId = new Map();
    const slow = tests.filter(({ cpu }) => cpu > SLOW).map(({ title }) => title);
    for (const [id, titles] of reach) {
      const covering = tests.flatMap(({ title, cpu, suites }, i) =>
        cpu <= SLOW && (titles.has(`test ${title}`) || suites.some((suite) => titles.has(`suite ${suite}`))) ? [i] : [],
      );
      byId.set(id, covering);
    }
    return { tests, failures, slow, reach: byId, hits, atLoading: new Set(Object.keys(loaded)) };
  }

  /**
   * Judges a mutant by some tests (indexes), the cheapest first, for as long as `budget` allows, ms of CPU. Gives the title of the test
   * that noticed, if one did, and those that have run. `suspect`: the title of the one to try first.
   */
  async judge(mutant, covering, hits, budget, suspect = null) {
    const { id, file } = mutant;
    const limit = 1000 + 100 * hits;
    const ran = [];
    let spent = 0;
    const first = covering.filter((index) => this.#tests[index].title === suspect);
    for (const run of [...this.#runs(file, first), ...this.#runs(file, covering)]) {
      if (spent > 0 && spent + run.cost > budget) break;
      const failed = await this.#run(id, limit, run);
      spent += run.cost;
      if (failed !== null) {
        if (failed.test !== null && !(await this.#standsAlone(failed.test, run)))
          return this.judge(mutant, covering, hits, budget);
        const key = `${file} ${run.unit}`;
        this.#merits.set(key, (this.#merits.get(key) ?? 0) + 1);
        return { killer: failed.test ?? failed.title, ran };
      }
      ran.push(...run.titles);
    }
    return { killer: null, ran };
  }

  close() {
    this.#child?.kill();
    this.#child = null;
  }

  /** The units to run, with the tests in each: those that are likely to notice for their cost first. */
  #runs(file, covering) {
    const byUnit = new Map();
    for (const index of covering) {
      const { unit } = this.#tests[index];
      byUnit.set(unit, [...(byUnit.get(unit) ?? []), index]);
    }
    const runs = [...byUnit].map(([unit, indexes]) => {
      const last = Math.max(...indexes.filter((index) => this.#dependent.get(this.#tests[index].title)), -1);
      const all = this.#tests.flatMap((test, i) => (test.unit === unit && (indexes.includes(i) || i < last) ? [test] : []));
      const cost = (this.#hooks.get(unit) ?? 0) + all.reduce((sum, { cpu }) => sum + cpu, 1);
      return { unit, titles: all.map(({ title }) => title), cost };
    });
    const worth = ({ unit, cost }) => cost / (1 + (this.#merits.get(`${file} ${unit}`) ?? 0));
    return runs.sort((a, b) => worth(a) - worth(b));
  }

  async #run(mutant, limit, { unit, titles, cost }) {
    const failed = await this.#ask({ mutant, limit, runs: [[unit, titles]] }, STUCK + 20 * cost);
    if (failed === undefined) return { title: titles[0], test: null, late: true };
    if (failed.failed?.late) this.close(); // what hangs may go on when the mutant is off again
    return failed.failed;
  }

  /** Whether a test that failed passes unbroken, in the same company. */
  async #standsAlone(title, { unit, titles }) {
    const known = this.#dependent.get(title);
    if (known !== undefined) return true;
    const failed = await this.#ask({ mutant: null, limit: 0, runs: [[unit, titles]] }, STUCK);
    const alone = failed !== undefined && failed.failed === null;
    const culprit = failed?.failed?.test ?? title;
    this.#dependent.set(culprit, !alone);
    return alone;
  }

  /** Undefined: the process is gone, or was stuck and is ended. */
  async #ask(question, patience) {
    const child = this.#child ?? (await this.#begin());
    return new Promise((resolve) => {
      const timer = setTimeout(() => child.kill('SIGKILL'), patience);
      const done = (answer) => {
        clearTimeout(timer);
        child.removeAllListeners();
        if (answer === undefined) this.#child = null;
        resolve(answer);
      };
      child.on('message', (answer) => done(answer));
      child.on('exit', () => done(undefined));
      child.send(question);
    });
  }

  #begin() {
    const judge = join(import.meta.dirname, 'judge.mjs');
    const child = fork(judge, [JSON.stringify(this.files)], { cwd: this.stage, stdio: ['ignore', 'ignore', 2, 'ipc'] });
    this.#child = child;
    return new Promise((resolve, reject) => {
      child.once('message', () => {
        child.removeAllListeners();
        resolve(child);
      });
      child.once('exit', (code) => reject(new Error(`the tests can't be loaded (${code})`)));
    });
  }
}
