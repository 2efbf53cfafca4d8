// Generates, compiles and bundles. `npm run build` for daily work; `prepare.mjs` calls it for `npm start` and `npm test`.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { ROOT } from './prepare.mjs';

const steps = [
  ['scripts/generate.mjs'],
  ['node_modules/typescript/bin/tsc', '-p', '.'],
  ['scripts/bundle.mjs'],
  ['scripts/generate-cli-docs.mjs'],
  ['scripts/generate-sdk-docs.mjs'],
];

/** Removes what was compiled from sources that are gone: mocha would run tests that nobody has any more. */
function dropStale() {
  const dist = join(ROOT, 'dist');
  for (const entry of readdirSync(dist, { withFileTypes: true, recursive: true })) {
    const path = relative(dist, join(entry.parentPath ?? entry.path, entry.name));
    const source = /^(?!bin\/)(.+)\.(?:d\.ts|js|js\.map)$/.exec(path)?.[1];
    if (entry.isFile() && source !== undefined && !existsSync(join(ROOT, `${source}.ts`))) rmSync(join(dist, path));
  }
}

if (process.argv.includes('--clean')) rmSync(join(ROOT, 'dist'), { recursive: true, force: true });
if (existsSync(join(ROOT, 'dist'))) dropStale();
for (const [file, ...args] of steps) {
  if (!existsSync(join(ROOT, file))) throw new Error(`${file} is missing: run npm ci`);
  const { status } = spawnSync(process.execPath, [join(ROOT, file), ...args], { cwd: ROOT, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
