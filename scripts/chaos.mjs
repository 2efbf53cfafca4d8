// `npm run chaos -- [--writers N] [--commands N] [--seconds N] [--seed N] [--no-etcd]`: writers of a linear and a sequenced ledger, as
// processes, with a Stargate that is killed and stopped under them; then what all were told is held against the ledgers. Ends with status 1 when anything is
// wrong. `--commands N`: so many writers of each ledger call `git kv`, instead of one in eight; the others are streams. The lease is a key
// of etcd, so that it ends while the Stargate is stopped; without an etcd, or with --no-etcd, it is a lock.
// `--servers N` does it to a cluster with an etcd of three members, on which all is done that a cluster has to live through; `--lines`
// tells of each fault when it is over; `--table` makes each fault once, or `--each N` times, and prints what became of writes; `--only WORDS`
// makes those alone whose name has these words.
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { ensureBuilt, ensureInstalled, ROOT } from './prepare.mjs';

const text = { type: 'string' };
const flag = { type: 'boolean' };
const { values } = parseArgs({
  options: {
    ...{ writers: text, commands: text, seconds: text, seed: text, servers: text, each: text, only: text },
    ...{ 'no-etcd': flag, lines: flag, table: flag },
  },
});
const { servers, commands, table, lines = false, only } = values;
const { writers = servers === undefined ? '16' : '6', seconds = '30', seed = '1' } = values;
const { each = table === true ? '1' : undefined } = values;
for (const [name, value] of Object.entries({ writers, commands, seconds, seed, servers, each }))
  if (value !== undefined && (!/^\d{1,9}$/.test(value) || (name !== 'seed' && Number(value) === 0))) {
    console.error(`--${name} wants a number, and got '${value}'`);
    process.exit(64);
  }
const hasEtcd = () => spawnSync('etcd', ['--version']).status === 0;
if (servers === undefined && (each !== undefined || lines || only !== undefined)) {
  console.error('--table, --each, --only and --lines are for --servers N');
  process.exit(64);
}
if (servers !== undefined && !hasEtcd()) {
  console.error("--servers wants etcd, as of Debian's package etcd-server");
  process.exit(69);
}
if (servers !== undefined && commands !== undefined) {
  console.error('--commands is for one Stargate, without --servers');
  process.exit(64);
}
ensureInstalled();
ensureBuilt();
const common = { writers: Number(writers), seconds: Number(seconds), seed: Number(seed) };
const [file, plan] =
  servers === undefined
    ? [
        'run.js',
        {
          ...common,
          ...(commands === undefined ? {} : { commands: Number(commands) }),
          least: 1,
          etcd: values['no-etcd'] !== true && hasEtcd(),
        },
      ]
    : [
        'cluster/main.js',
        { ...common, servers: Number(servers), lines, only, ...(each === undefined ? {} : { each: Number(each) }) },
      ];
const { status } = spawnSync(process.execPath, ['--enable-source-maps', `dist/test/chaos/${file}`], {
  cwd: ROOT,
  env: { ...process.env, CHAOS: JSON.stringify(plan) },
  stdio: 'inherit',
});
process.exit(status ?? 1);
