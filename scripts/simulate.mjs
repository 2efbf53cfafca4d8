// `npm run simulate -- [--seeds N] [--from S] [--jobs J] [--bug NAME]`: runs a simulated cluster through N schedules of faults, from seed S
// on. A seed that breaks an invariant ends it with status 1, and the shortest trace that breaks the same. `--seeds 1 --from S` runs one
// again; `--bug NAME` plants a mistake of test/simulation/bugs.ts, to see it found.
import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { ensureBuilt, ensureInstalled, ROOT } from './prepare.mjs';

const { values } = parseArgs({
  options: { seeds: { type: 'string' }, from: { type: 'string' }, jobs: { type: 'string' }, bug: { type: 'string' } },
});
const { seeds = '100000', from = '1', jobs = String(availableParallelism()), bug } = values;
for (const [name, value] of Object.entries({ seeds, from, jobs }))
  if (!/^\d{1,12}$/.test(value) || (name !== 'from' && Number(value) === 0)) {
    console.error(`--${name} wants a number, and got '${value}'`);
    process.exit(64);
  }
ensureInstalled();
ensureBuilt();
if (bug !== undefined) {
  const { PLANTED } = await import('../dist/test/simulation/bugs.js');
  if (!PLANTED.some(({ name }) => name === bug)) {
    console.error(`no bug is called '${bug}'; there are:\n${PLANTED.map(({ name }) => `  ${name}`).join('\n')}`);
    process.exit(64);
  }
}
const range = {
  seeds: Number(seeds),
  from: Number(from),
  jobs: Math.min(Number(jobs), Number(seeds)),
  ...(bug === undefined ? {} : { bug }),
};
const { status } = spawnSync(process.execPath, ['--enable-source-maps', 'dist/test/simulation/run.js'], {
  cwd: ROOT,
  env: { ...process.env, SIMULATE: JSON.stringify(range) },
  stdio: 'inherit',
});
process.exit(status ?? 1);
