import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A package that is measured with, and is no dependency: fetched into the temporary folder when it is wanted. Null where it can't be. */
export function fetched<T>(name: string, version: string): T | null {
  const home = join(tmpdir(), `git-kv-bench-${name}-${process.getuid?.() ?? 0}`);
  if (!existsSync(join(home, 'node_modules', name))) {
    mkdirSync(home, { recursive: true, mode: 0o700 });
    const args = ['install', '--prefix', home, '--ignore-scripts', '--no-save', '--no-audit', '--no-fund', `${name}@${version}`];
    if (spawnSync('npm', args, { cwd: home, stdio: 'ignore' }).status !== 0) return null;
  }
  return createRequire(join(home, 'package.json'))(name) as T;
}
