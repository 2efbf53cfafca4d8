// Brings a clone to the state where its programs can run: dependencies installed, sources compiled and bundled.
// Uses nothing but Node itself, since on a fresh machine there is nothing else.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

/** In the environment while this installs dependencies: npm's own `prepare` then leaves compiling to whoever installs. */
export const INSTALLING = 'GIT_KV_INSTALLING';

/** Settings of an npm that has started this, such as `npm install -g .` or `npm pack --dry-run`; they are none of `npm ci` here. */
const OUTER = ['global', 'location', 'omit', 'include', 'production', 'ignore_scripts', 'dry_run', 'json', 'workspaces'];

function environment() {
  const env = { ...process.env, npm_config_loglevel: 'error' };
  for (const name of OUTER) delete env[`npm_config_${name}`];
  return env;
}

function run(what, command, args, extra = {}) {
  const started = Date.now();
  process.stderr.write(`${what} …`);
  const result = spawnSync(command, args, { cwd: ROOT, encoding: 'utf8', env: { ...environment(), ...extra } });
  if (result.status !== 0) {
    process.stderr.write(' failed\n');
    process.stderr.write(`${result.stdout ?? ''}${result.stderr ?? ''}${result.error?.message ?? ''}\n`);
    process.exit(result.status ?? 1);
  }
  process.stderr.write(` ${((Date.now() - started) / 1000).toFixed(1)} s\n`);
}

/** Installs the dependencies when they are missing or the lock file has changed since. */
export function ensureInstalled() {
  const stamp = join(ROOT, 'node_modules', '.git-kv-lock');
  const lock = createHash('sha256')
    .update(readFileSync(join(ROOT, 'package-lock.json')))
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  run('installing dependencies', 'npm', ['ci', '--include=dev', '--no-audit', '--no-fund'], { [INSTALLING]: '1' });
  writeFileSync(stamp, lock);
}

/** Compiles (incrementally) and bundles. */
export function ensureBuilt() {
  mkdirSync(join(ROOT, 'dist'), { recursive: true });
  run('compiling', process.execPath, [join(ROOT, 'scripts', 'build.mjs')]);
}
