// `npm test [-- SUBSET …]`: installs and builds what is missing, then runs mocha on the compiled tests.
// SUBSET is a folder of test/, such as unit, adapters, stargate, cli, e2e, robustness; without one, everything runs.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBuilt, ensureInstalled, ROOT } from './prepare.mjs';

ensureInstalled();
ensureBuilt();
const [subsets, options] = [[], []];
for (const arg of process.argv.slice(2)) (arg.startsWith('-') ? options : subsets).push(arg);
for (const subset of subsets) {
  if (!existsSync(join(ROOT, 'test', subset))) {
    console.error(`no tests at test/${subset}`);
    process.exit(64);
  }
}
const specs = subsets.length > 0 ? subsets.map((name) => `dist/test/${name}/**/*.test.js`) : ['dist/test/**/*.test.js'];
const mocha = join(ROOT, 'node_modules', 'mocha', 'bin', 'mocha.js');
const child = spawn(process.execPath, ['--enable-source-maps', mocha, ...options, ...specs], { cwd: ROOT, stdio: 'inherit' });
child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
