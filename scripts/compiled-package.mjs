// Puts a package that has to be compiled beside this clone's dependencies, of which it is none, since that takes a C++ compiler and some
// minutes. What was built is kept in the user's cache folder, by the version of Node that it was built for, because `npm ci` removes it
// again; `--rebuild` builds it anew.
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

const { peerDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const { modules: abi } = process.versions;
const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');

/**
 * Sees to it that a peer dependency is there, in the version that package.json has. `tried`: an expression with `it`, what the package
 * exports, that fails unless its native part is loaded. `builtFrom`: its folders that only building takes. `runsWith`: those of the packages
 * beside it that it runs with. `takes`: the Debian packages that building takes. `as`: what a profile may name it as.
 */
export function bring(name, { tried = 'it', builtFrom, runsWith, takes, as }) {
  const version = peerDependencies[name];
  const target = join(ROOT, 'node_modules', name);
  const kept = join(cache, 'git-kv', `${name}-${version}-abi${abi}-${process.platform}-${process.arch}`);
  const loads = (folder) => isLoaded(folder, version, tried);
  ensureInstalled();
  const anew = process.argv.includes('--rebuild');
  if (anew || !loads(target)) {
    if (anew || !loads(kept)) build(name, version, { loads, builtFrom, runsWith, takes, kept });
    put(kept, target);
  }
  console.error(`${name} ${version} is there: a profile may name it as ${as}`);
}

/** Whether this Node loads what is in a folder, in the right version. */
function isLoaded(folder, version, tried) {
  const file = join(folder, 'package.json');
  if (!existsSync(file) || JSON.parse(readFileSync(file, 'utf8')).version !== version) return false;
  const program = `const it = require(process.argv[1]); ${tried}`;
  return spawnSync(process.execPath, ['-e', program, folder], { stdio: 'ignore' }).status === 0;
}

/** Compiles it in a folder of its own, so that npm changes nothing here, and keeps what running takes. */
function build(name, version, { loads, builtFrom, runsWith, takes, kept }) {
  const work = mkdtempSync(join(tmpdir(), `git-kv-${name}-`));
  try {
    writeFileSync(join(work, 'package.json'), '{ "private": true }\n');
    const prefix = dirname(dirname(process.execPath));
    const headers = existsSync(join(prefix, 'include', 'node', 'node.h')) ? { npm_config_nodedir: prefix } : {};
    const env = { ...process.env, JOBS: process.env.JOBS ?? 'max', npm_config_loglevel: 'error', ...headers };
    for (const name of ['npm_config_global', 'npm_config_ignore_scripts', 'npm_config_dry_run']) delete env[name];
    const started = Date.now();
    process.stderr.write(`compiling ${name} ${version} for Node ${process.version}, which takes some minutes …`);
    const args = ['install', '--no-save', '--no-audit', '--no-fund', `${name}@${version}`];
    const { status, stdout, stderr, error } = spawnSync('npm', args, { cwd: work, env, encoding: 'utf8', maxBuffer: 1 << 28 });
    const modules = join(work, 'node_modules');
    if (status !== 0 || !loads(join(modules, name))) {
      const said = `${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}`.trimEnd().split('\n').slice(-40).join('\n');
      console.error(` failed\n${said}\nhint: it takes ${takes}, as Debian calls them`);
      process.exit(1);
    }
    process.stderr.write(` ${Math.round((Date.now() - started) / 1000)} s\n`);
    const staged = join(work, 'staged');
    renameSync(join(modules, name), staged);
    // Its dependencies go into it: those here are of other versions.
    mkdirSync(join(staged, 'node_modules'), { recursive: true });
    for (const beside of runsWith) renameSync(join(modules, beside), join(staged, 'node_modules', beside));
    for (const folder of builtFrom) rmSync(join(staged, folder), { recursive: true, force: true });
    for (const built of readdirSync(join(staged, 'build', 'Release'))) {
      if (!built.endsWith('.node')) rmSync(join(staged, 'build', 'Release', built), { recursive: true, force: true });
    }
    if (!loads(staged)) throw new Error(`${name} runs with packages that were not kept beside it`);
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
