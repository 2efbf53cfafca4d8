#!/usr/bin/env node
// Tries what npm would publish: packs it, installs the tarball with npm into an empty folder, and there runs the programs, a script of the
// SDK and the suite of a port; then a publication that publishes nothing. `.ci/run` calls it after the tests, which have built everything.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureBuilt, ensureInstalled, ROOT } from './prepare.mjs';

const SCRIPT = `
import { KvError, openClone } from 'git-kv/client';
const clone = await openClone({ directory: 'clone' });
await clone.set('cfg:color', 'blue');
console.log((await clone.get('cfg:color')).text());
await clone.get('cfg:none').catch((error) => console.log(KvError.is(error) && error.code));
await clone.close();
`;

const SUITE = `
import { setTimeout } from 'node:timers/promises';
import { KvError } from 'git-kv/ports';
import { clockContract } from 'git-kv/testing';
const sleep = (ms, signal) => setTimeout(ms, undefined, { signal }).catch((cause) => {
  throw new KvError('INTERRUPTED', 'the sleep was interrupted', { cause });
});
clockContract('a clock', async () => ({ now: () => Date.now(), sleep }));
`;

if (!existsSync(join(ROOT, 'dist', 'bin', 'client.js'))) {
  ensureInstalled();
  ensureBuilt();
}
const folder = mkdtempSync(join(tmpdir(), 'git-kv-package-'));
/** Runs a program; gives what it prints. Throws unless it exits with 0. */
const run = (cwd, program, ...args) =>
  execFileSync(program, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
const expect = (what, found, wanted) => {
  if (!wanted.test(found)) throw new Error(`${what} gave ${JSON.stringify(found)}, and not ${wanted}`);
};
try {
  const tarball = run(ROOT, 'npm', 'pack', '--ignore-scripts', '--silent', '--pack-destination', folder).trim();
  writeFileSync(join(folder, 'package.json'), '{"type":"module","private":true}');
  run(folder, 'npm', 'install', '--prefer-offline', '--no-audit', '--no-fund', '--silent', `./${tarball}`);
  for (const name of ['git-kv', 'git-kv-stargate'])
    expect(name, run(folder, join(folder, 'node_modules', '.bin', name), '--version'), /^git-kv\S* \d+\.\d+\.\d+/);
  run(folder, 'git', 'init', '-q', 'clone');
  for (const [name, value] of [
    ['user.name', 'Ada'],
    ['user.email', 'ada@example.org'],
  ])
    run(join(folder, 'clone'), 'git', 'config', name, value);
  writeFileSync(join(folder, 'sdk.js'), SCRIPT);
  expect('an SDK script', run(folder, process.execPath, 'sdk.js'), /^blue\nNOT_FOUND\n$/);
  writeFileSync(join(folder, 'suite.test.js'), SUITE);
  expect('a suite', run(folder, process.execPath, '--test', '--test-reporter=tap', 'suite.test.js'), /^# fail 0$/m);
  run(ROOT, 'npm', 'publish', '--dry-run', '--ignore-scripts', '--silent');
  console.log('the package installs, runs and could be published');
} finally {
  rmSync(folder, { recursive: true, force: true });
}
