// A process that runs test files, one after the other, each with a mocha of its own; `pool.mjs` tells it which.
// Its one argument is mocha's options as JSON.
import { relative } from 'node:path';
import Mocha from 'mocha';
import { processorSeconds } from './processor.mjs';

const options = JSON.parse(process.argv[2]);
let runner;
let stopping = false;

process.on('message', async ({ file, stop }) => {
  if (stop) return endEarly();
  const [started, used] = [Date.now(), processorSeconds()];
  const counts = await run(file);
  if (!process.connected) process.exit();
  const times = { seconds: (Date.now() - started) / 1000, processor: processorSeconds() - used };
  process.send({ ...counts, ...times }, () => stopping && process.disconnect());
});
// Whoever gives the files is gone, or has no more: whatever a test left open must not keep this process.
process.on('disconnect', () => (runner === undefined ? process.exit() : endEarly()));

/** Ends the test that runs, then lets the hooks clean up. */
function endEarly() {
  stopping = true;
  if (runner !== undefined) runner.abort();
  else if (process.connected) process.disconnect();
}

/** Runs one file; gives its counts and the titles of what failed. */
async function run(file) {
  const mocha = new Mocha(options);
  mocha.addFile(file);
  const name = relative('dist/test', file).replace(/\.js$/, '.ts');
  try {
    await mocha.loadFilesAsync();
  } catch (error) {
    console.error(`\n  ${name} cannot be loaded:\n`, error);
    return { tests: 0, passed: 0, failed: 1, skipped: 0, failures: [`${name}: cannot be loaded`] };
  }
  const failures = [];
  await new Promise((ended) => {
    runner = mocha.run(ended);
    runner.on('fail', (test) => failures.push(`${name}: ${test.fullTitle()}`));
  });
  const { tests, passes, pending } = runner.stats;
  runner = undefined;
  mocha.dispose();
  return { tests, passed: passes, failed: failures.length, skipped: pending, failures };
}
