import { fork } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync, mkdtempSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../prepare.mjs';

/** A process that runs test files one after the other (`worker.mjs`), and the file that takes what it and its children print. */
export class TestProcess {
  #output;
  #printed = 0;
  #child;
  #ended;

  /** Its temporary folders lie in `folder`. Unless it is `kept` until `print`, what it prints goes straight through. */
  constructor(folder, kept, options) {
    this.#output = kept ? openSync(join(mkdtempSync(join(folder, 'output-')), 'text'), 'a+') : null;
    const out = this.#output ?? 'inherit';
    // In a process group of its own: Ctrl-C reaches it through `stop`, and what a test left running ends with `kill`.
    this.#child = fork(join(ROOT, 'scripts', 'test', 'worker.mjs'), [JSON.stringify(options)], {
      cwd: ROOT,
      env: { ...process.env, TMPDIR: folder },
      detached: true,
      execArgv: ['--enable-source-maps'],
      stdio: ['ignore', out, out, 'ipc'],
    });
    this.#ended = once(this.#child, 'exit');
  }

  get isOver() {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Runs one file: gives its counts and how long it took, or one failure when the process ends over it. */
  async run(file) {
    this.#child.send({ file: join('dist', 'test', file) }, () => undefined); // one that has ended says so by its end
    const result = once(this.#child, 'message').then(([counts]) => counts);
    const broken = this.#ended.then(([code, signal]) => {
      const failure = `${file.replace(/\.js$/, '.ts')}: the process that ran it ended with ${code ?? signal}`;
      return { tests: 0, passed: 0, failed: 1, skipped: 0, failures: [failure], seconds: 0, processor: 0 };
    });
    return Promise.race([result, broken]);
  }

  /** Prints what has come since the last call, or drops it. */
  print(wanted) {
    if (this.#output === null) return;
    const bytes = Buffer.alloc(fstatSync(this.#output).size - this.#printed);
    readSync(this.#output, bytes, 0, bytes.length, this.#printed);
    this.#printed += bytes.length;
    for (let at = 0; wanted && at < bytes.length; ) at += writeSync(1, bytes, at);
  }

  /** Ends the test that runs; its hooks still clean up. */
  stop() {
    if (this.#child.connected) this.#child.send({ stop: true });
  }

  /** Kills it and all that it started. */
  kill() {
    try {
      process.kill(-this.#child.pid, 'SIGKILL');
    } catch (error) {
      if (error.code !== 'ESRCH') throw error; // the whole group has ended already
    }
  }

  async close() {
    if (this.#child.connected) this.#child.disconnect();
    await this.#ended;
    this.kill();
    if (this.#output !== null) closeSync(this.#output);
  }
}
