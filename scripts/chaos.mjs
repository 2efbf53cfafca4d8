// `npm run chaos -- [--writers N] [--seconds N] [--seed N] [--no-etcd]`: writers of a linear and a sequenced ledger, as processes, with a
// Stargate that is killed and stopped under them; then what all were told is held against the ledgers. Ends with status 1 when anything is
// wrong. The lease is a key of etcd, so that it ends while the Stargate is stopped; without an etcd, or with --no-etcd, it is a lock.
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { ensureBuilt, ensureInstalled, ROOT } from './prepare.mjs';

const { values } = parseArgs({
  options: { writers: { type: 'string' }, seconds: { type: 'string' }, seed: { type: 'string' }, 'no-etcd': { type: 'boolean' } },
});
const { writers = '16', seconds = '30', seed = '1' } = values;
for (const [name, value] of Object.entries({ writers, seconds, seed }))
  if (!/^\d{1,9}$/.test(value) || (name !== 'seed' && Number(value) === 0)) {
    console.error(`--${name} wants a number, and got '${value}'`);
    process.exit(64);
  }
ensureInstalled();
ensureBuilt();
const etcd = values['no-etcd'] !== true && spawnSync('etcd', ['--version']).status === 0;
const plan = { writers: Number(writers), seconds: Number(seconds), seed: Number(seed), least: 1, etcd };
const { status } = spawnSync(process.execPath, ['--enable-source-maps', 'dist/test/chaos/run.js'], {
  cwd: ROOT,
  env: { ...process.env, CHAOS: JSON.stringify(plan) },
  stdio: 'inherit',
});
process.exit(status ?? 1);
