// `npm run test:nodes [-- SUBSET …]`: runs the tests on the other versions of Node that git-kv is for: those of test/unit and
// test/adapters, with every adapter's contract, unless subsets are named. The programs come from npm's packages, and are kept in the
// user's cache folder. nodegit, which is built for one version of Node, is not tested on these.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { ensureBuilt, ensureInstalled, ROOT } from './prepare.mjs';

/** Majors beside the one that `npm test` runs on. */
const MAJORS = ['20', '22', '24'].filter((major) => major !== process.versions.node.split('.')[0]);
const DEFAULT = ['unit', 'adapters'];

/** The program of a major, installed when it isn't there. */
function nodeOf(major) {
  const name = `node-${process.platform}-${process.arch}`;
  const folder = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'git-kv', `node-${major}`);
  const program = join(folder, 'node_modules', name, 'bin', 'node');
  if (existsSync(program)) return program;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  process.stderr.write(`installing Node ${major} …\n`);
  const args = ['install', '--no-audit', '--no-fund', '--no-save', '--loglevel=error', `${name}@${major}`];
  const { status } = spawnSync('npm', args, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
  if (status === 0 && existsSync(program)) return program;
  console.error(`cannot install Node ${major}: npm has no ${name}@${major}, or is not reached`);
  process.exit(1);
}

ensureInstalled();
ensureBuilt();
const subsets = process.argv.slice(2);
for (const major of MAJORS) {
  const program = nodeOf(major);
  const { stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' });
  console.log(`Node ${stdout.trim()}`);
  // What a test starts by its name is to be that Node too.
  const env = { ...process.env, PATH: `${dirname(program)}${delimiter}${process.env.PATH}`, GIT_KV_OTHER_NODE: '1' };
  const args = [join(ROOT, 'scripts', 'test.mjs'), ...(subsets.length > 0 ? subsets : DEFAULT)];
  const { status } = spawnSync(program, args, { cwd: ROOT, stdio: 'inherit', env });
  if (status !== 0) process.exit(status ?? 1);
}
