// Runs test files in a few processes at a time: a process takes the next file when it has ended one, and what it prints
// is kept until then, so that the lines of two files never mix.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TestProcess } from './process.mjs';

/** How long the tests that run may clean up after an interruption before they are killed, ms. */
const GRACE_MS = 10_000;

/**
 * Runs files (paths below dist/test), up to `jobs` at a time, with mocha's options; unless they are `kept` until a file has ended, lines are
 * printed as they come. Gives `each` the counts and times of every file, in the order in which they end. After an interruption it ends
 * early: what runs is aborted, nothing more is begun.
 */
export async function runFiles(files, jobs, options, kept, each) {
  const folder = mkdtempSync(join(tmpdir(), 'kv-tests-'));
  const queue = [...files];
  const running = new Set();
  const interrupt = () => {
    queue.length = 0;
    for (const process of running) process.stop();
    setTimeout(() => {
      for (const process of running) process.kill();
    }, GRACE_MS).unref();
  };
  const work = async () => {
    let current;
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      if (current === undefined || current.isOver) {
        current = new TestProcess(folder, kept, options);
        running.add(current);
      }
      const result = await current.run(file);
      current.print(result.tests > 0 || result.failed > 0);
      each({ file, ...result });
      if (current.isOver) running.delete(current);
    }
    running.delete(current);
    await current?.close();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, interrupt);
  try {
    await Promise.all(Array.from({ length: Math.min(jobs, files.length) }, work));
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.off(signal, interrupt);
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }); // with what killed tests left in it
  }
}
