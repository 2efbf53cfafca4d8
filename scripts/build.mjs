// Generates, compiles and bundles. `npm run build` for daily work; `prepare.mjs` calls it for `npm start` and `npm test`.
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './prepare.mjs';

const steps = [
  ['scripts/generate.mjs'],
  ['node_modules/typescript/bin/tsc', '-p', '.'],
  ['scripts/bundle.mjs'],
  ['scripts/generate-cli-docs.mjs'],
];

if (process.argv.includes('--clean')) rmSync(join(ROOT, 'dist'), { recursive: true, force: true });
for (const [file, ...args] of steps) {
  if (!existsSync(join(ROOT, file))) throw new Error(`${file} is missing: run npm ci`);
  const { status } = spawnSync(process.execPath, [join(ROOT, file), ...args], { cwd: ROOT, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
