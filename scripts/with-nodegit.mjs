// `npm run with-nodegit`: puts nodegit, which the git-store of that name needs, beside this clone's dependencies. It is none of them,
// since it has to be compiled: that takes a C++ compiler, python3, and the headers of OpenSSL and Kerberos (Debian: build-essential,
// python3, libssl-dev, libkrb5-dev), and some minutes. What was built is kept in the user's cache folder, by the version of Node that
// it was built for, because `npm ci` removes it again; `--rebuild` builds it anew.
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ensureInstalled, ROOT } from './prepare.mjs';

const PACKAGE = 'nodegit';
const { peerDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const version = peerDependencies[PACKAGE];
const target = join(ROOT, 'node_modules', PACKAGE);
const { modules: abi } = process.versions;
const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
const kept = join(cache, 'git-kv', `${PACKAGE}-${version}-abi${abi}-${process.platform}-${process.arch}`);

/** What only building takes, and of the packages beside it those that it runs with. */
const BUILT_FROM = ['vendor', 'src', 'include'];
const RUNS_WITH = ['fs-extra', 'graceful-fs', 'jsonfile', 'lodash', 'universalify'];

/** Whether this Node loads what is in a folder, in the right version. */
function loads(folder) {
  const file = join(folder, 'package.json');
  if (!existsSync(file) || JSON.parse(readFileSync(file, 'utf8')).version !== version) return false;
  return spawnSync(process.execPath, ['-e', 'require(process.argv[1])', folder], { stdio: 'ignore' }).status === 0;
}

/** Compiles it in a folder of its own, so that npm changes nothing here, and keeps what running takes. */
function build() {
  const work = mkdtempSync(join(tmpdir(), 'git-kv-nodegit-'));
  try {
    writeFileSync(join(work, 'package.json'), '{ "private": true }\n');
    const prefix = dirname(dirname(process.execPath));
    const headers = existsSync(join(prefix, 'include', 'node', 'node.h')) ? { npm_config_nodedir: prefix } : {};
    const env = { ...process.env, JOBS: process.env.JOBS ?? 'max', npm_config_loglevel: 'error', ...headers };
    for (const name of ['npm_config_global', 'npm_config_ignore_scripts', 'npm_config_dry_run']) delete env[name];
    const started = Date.now();
    process.stderr.write(`compiling nodegit ${version} for Node ${process.version}, which takes some minutes …`);
    const args = ['install', '--no-save', '--no-audit', '--no-fund', `${PACKAGE}@${version}`];
    const { status, stdout, stderr, error } = spawnSync('npm', args, { cwd: work, env, encoding: 'utf8', maxBuffer: 1 << 28 });
    const modules = join(work, 'node_modules');
    if (status !== 0 || !loads(join(modules, PACKAGE))) {
      const said = `${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}`.trimEnd().split('\n').slice(-40).join('\n');
      console.error(
        ` failed\n${said}\nhint: it takes build-essential, python3, libssl-dev and libkrb5-dev, as Debian calls them`,
      );
      process.exit(1);
    }
    process.stderr.write(` ${Math.round((Date.now() - started) / 1000)} s\n`);
    const staged = join(work, PACKAGE);
    renameSync(join(modules, PACKAGE), staged);
    // Its dependencies go into it: those here are of other versions.
    mkdirSync(join(staged, 'node_modules'), { recursive: true });
    for (const name of RUNS_WITH) renameSync(join(modules, name), join(staged, 'node_modules', name));
    for (const name of BUILT_FROM) rmSync(join(staged, name), { recursive: true, force: true });
    for (const name of readdirSync(join(staged, 'build', 'Release'))) {
      if (!name.endsWith('.node')) rmSync(join(staged, 'build', 'Release', name), { recursive: true, force: true });
    }
    if (!loads(staged)) throw new Error('nodegit runs with packages that were not kept beside it');
    put(staged, kept);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Copies a folder to a place where nobody sees half of it. */
function put(from, to) {
  mkdirSync(dirname(to), { recursive: true });
  const half = `${to}.${process.pid}`;
  cpSync(from, half, { recursive: true, verbatimSymlinks: true });
  rmSync(to, { recursive: true, force: true });
  renameSync(half, to);
}

ensureInstalled();
const anew = process.argv.includes('--rebuild');
if (anew || !loads(target)) {
  if (anew || !loads(kept)) build();
  put(kept, target);
}
console.error(`nodegit ${version} is there: a profile may name it as git-store`);
