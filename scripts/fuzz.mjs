// `npm run fuzz -- [--seconds N] [--seed S] [--case C]`: throws malformed SSH, Git and HTTP at a Stargate on loopback, and looks whether
// it stays alive, small and sound. A failure names seed and case; with --case, that one alone is run again.
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { ensureBuilt, ensureInstalled, ROOT } from './prepare.mjs';

const { values } = parseArgs({ options: { seconds: { type: 'string' }, seed: { type: 'string' }, case: { type: 'string' } } });
const { seconds = '60', seed = String(Date.now() % 1_000_000), case: only } = values;
for (const [name, value] of Object.entries({ seconds, seed, case: only ?? '0' }))
  if (!/^\d{1,9}$/.test(value)) {
    console.error(`--${name} wants a number, and got '${value}'`);
    process.exit(64);
  }
ensureInstalled();
ensureBuilt();
console.log(`seed ${seed}`);
const env = { ...process.env, FUZZ_SECONDS: seconds, FUZZ_SEED: seed, ...(only === undefined ? {} : { FUZZ_CASE: only }) };
const { status } = spawnSync('npx', ['mocha', '--enable-source-maps', 'dist/test/fuzz/fuzz.test.js'], {
  cwd: ROOT,
  env,
  stdio: 'inherit',
});
process.exit(status ?? 1);
