import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createCorpus, keyAt } from './corpus.js';
import { report, round } from './report.js';

/**
 * node dist/bench/startup.js [--runs N]
 * `git kv` as a process over bare node, without and with a plugin of the user's that it doesn't use, and a command of that plugin.
 */
const { values: options } = parseArgs({ options: { runs: { type: 'string', default: '31' } } });
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CLI = join(ROOT, 'bin', 'git-kv.js');
const WARM_UP = 2;

const INDEX = `export const manifest = { api: 1, id: 'git-kv-bench', adapters: [],
  commands: { hello: { summary: 'say hello', module: () => import('./hello.js') } } };`;
const HELLO = `import { Command } from 'git-kv/command';
export class command extends Command { async run() { this.log('hello'); } }`;

/** What \`git kv plugins install\` makes of a package. */
function install(folder: string): string {
  const home = join(folder, 'node_modules', 'git-kv-bench');
  mkdirSync(home, { recursive: true });
  writeFileSync(
    join(home, 'package.json'),
    '{"name":"git-kv-bench","version":"1.0.0","type":"module","exports":"./index.js","oclif":{}}',
  );
  writeFileSync(join(home, 'index.js'), INDEX);
  writeFileSync(join(home, 'hello.js'), HELLO);
  const plugins = [{ name: 'git-kv-bench', type: 'user' }];
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'git-kv', private: true, oclif: { plugins } }));
  symlinkSync(ROOT, join(folder, 'node_modules', 'git-kv'), 'dir');
  return folder;
}

const corpus = await createCorpus(1000);
const [none, some] = [join(corpus.folder, 'none'), join(corpus.folder, 'some')];
mkdirSync(none);
install(some);
const key = keyAt(42);
const commands: readonly (readonly [string, readonly string[]])[] = [
  ['get KEY --offline', ['get', key, '--offline']],
  ['list --offline', ['list', '--offline', '--limit', '10']],
  ['--version', ['--version']],
  ['history KEY --offline', ['history', key, '--offline']],
];
const sides = [
  { what: 'node -e 0', args: ['-e', '0'], folder: none },
  ...commands.flatMap(([what, args]) => [
    { what: `git-kv ${what}`, args: [CLI, ...args], folder: none },
    { what: `git-kv ${what}, with a plugin`, args: [CLI, ...args], folder: some },
  ]),
  { what: 'git-kv hello, of the plugin', args: [CLI, 'hello'], folder: some },
].map((side) => ({ ...side, samples: [] as number[] }));

const runs = Number(options.runs);
for (let at = -WARM_UP; at < runs; at++) {
  for (let i = 0; i < sides.length; i++) {
    const side = sides[(i + at + WARM_UP) % sides.length] as (typeof sides)[number]; // below the length
    const start = performance.now();
    const env = { ...corpus.env, GIT_KV_DATA_DIR: side.folder };
    const { status, stderr } = spawnSync(process.execPath, side.args, { cwd: corpus.repository, env });
    const ms = performance.now() - start;
    if (status !== 0) throw new Error(`${side.what}: status ${status}\n${stderr.toString()}`);
    if (at >= 0) side.samples.push(ms);
  }
}
rmSync(some, { recursive: true });
corpus.remove();
/** What the work itself takes: a busy machine only adds to that. */
const least = (what: string): number => Math.min(...(sides.find((side) => side.what === what)?.samples ?? []));
const [node, get] = [least('node -e 0'), least('git-kv get KEY --offline')];
report('startup', 'The start of a process', sides, {
  'fastest get over fastest bare node, ms': round(get - node),
  'fastest get with a plugin over the fastest without, ms': round(least('git-kv get KEY --offline, with a plugin') - get),
});
