import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { BIN_DIR } from '../test/support/root.js';
import { World } from '../test/support/worlds/world.js';
import { caughtUp, must, seconds } from './fresh-clone.js';
import { type Peak, watchMemory } from './large/memory.js';
import { reportAll, round, type Sheet, timed } from './report.js';

/**
 * node dist/bench/million.js [--full] [--keys N] [--batch N]
 * What many keys cost: an import through a Stargate, then verify, snapshot, list and watch, each a whole process with its peak of
 * resident memory, beside git's own walks through the same objects. 100,000 keys, or a million with --full.
 */
const { values: options } = parseArgs({
  options: { full: { type: 'boolean', default: false }, keys: { type: 'string' }, batch: { type: 'string', default: '25000' } },
});
const KEYS = Number(options.keys ?? (options.full ? 1_000_000 : 100_000));
const MIB = 1024 * 1024;
const LIMIT = 512 * MIB;

interface Measured {
  readonly what: string;
  readonly ms: number;
  readonly peaks: readonly Peak[];
}

const world = await World.create({ writers: ['ada', 'bob'] });
try {
  await world.clone('ada');
  const file = await operations(join(world.dir, 'million.jsonl'));
  const daemon = watchMemory(world.pid as number);
  const imported = await kv('ada', ['import', file, '--batch', options.batch], 'import, to the Stargate');
  const stargate = daemon.stop();
  await caughtUp(world);
  const out = join(world.dir, 'snapshot.jsonl');
  const rows = [
    await git('ada', ['fsck', '--no-dangling'], 'git fsck'),
    await git('ada', ['ls-tree', '-r', 'refs/kv-index/main'], 'git ls-tree -r of the index'),
    await kv('ada', ['verify'], 'verify'),
    await kv('ada', ['snapshot', '--export', out, '--offline'], 'snapshot'),
    await kv('ada', ['list', '--offline'], 'list --offline'),
    await kv('ada', ['verify', '--full'], 'verify --full'),
    await kv('ada', ['watch', '--once', '--since', 'oldest'], 'watch --once --since oldest'),
  ];
  await world.clone('bob', 'plain');
  await world.clone('bob');
  const refs = ['+refs/kv/main:refs/plain/kv', '+refs/kv-index/main:refs/plain/index'];
  rows.push(await git('plain', ['fetch', '-q', 'origin', ...refs], 'git fetch of the two refs, in a fresh clone'));
  rows.push(await kv('bob', ['list'], 'list in a fresh clone, fetch included'));
  const one = 'user:0000001:name';
  for (const [value, kept] of [
    ['warm', false],
    ['new', true],
  ] as const) {
    const set = await kv('ada', ['set', one, value], 'set of one key');
    await caughtUp(world);
    const get = await kv('bob', ['get', one], "get after another's write");
    if (kept) rows.push(set, get);
  }
  const worst = Math.max(...[imported, ...rows].flatMap(({ peaks }) => peaks.filter(({ name }) => name === 'node')).map(rss));
  reportAll(
    'million',
    [],
    {
      [`every client (node) within ${mib(LIMIT)}`]: worst <= LIMIT ? 'yes' : `no: ${mib(worst)}`,
      'the Stargate (node) at its peak': mib(peakOf(stargate, 'node')),
      'keys a transaction': options.batch,
    },
    [sheetOf([imported, ...rows])],
  );
} finally {
  await world.close();
}

/** A file of sets, keys in no order of their own. */
async function operations(path: string): Promise<string> {
  const stream = createWriteStream(path);
  for (let i = 0; i < KEYS; i++) {
    const key = `user:${String((i * 7919) % KEYS).padStart(7, '0')}:name`;
    if (!stream.write(`${JSON.stringify({ op: 'set', key, value: `v${i}` })}\n`)) await once(stream, 'drain');
  }
  stream.end();
  await once(stream, 'finish');
  return path;
}

function kv(person: string, args: readonly string[], what: string): Promise<Measured> {
  return measured(person, process.execPath, [join(BIN_DIR, 'git-kv.js'), ...args], what);
}

function git(person: string, args: readonly string[], what: string): Promise<Measured> {
  return measured(person, 'git', args, what);
}

/** Runs a process to its end, and watches the memory of it and of all that it starts. */
async function measured(person: string, command: string, args: readonly string[], what: string): Promise<Measured> {
  let peaks: readonly Peak[] = [];
  const ms = await timed(async () => {
    const env = world.env(person === 'plain' ? 'bob' : person);
    const child = spawn(command, args, { cwd: world.clonePath(person), env, stdio: ['ignore', 'ignore', 'pipe'] });
    let complaint = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(-4096);
    });
    const memory = watchMemory(child.pid as number);
    const [code] = (await once(child, 'close')) as [number | null];
    peaks = memory.stop();
    must({ code: code ?? 1, stdout: `${what} ended with ${code}`, stderr: code === 0 ? '' : complaint });
  });
  console.error(`${what}: ${seconds(ms)} s`);
  return { what, ms, peaks };
}

/** The first row of `rows` but one is what the others are compared with. */
function sheetOf(rows: readonly Measured[]): Sheet {
  const fsck = rows.find(({ what }) => what === 'git fsck')?.ms ?? Number.NaN;
  return {
    title: `${KEYS.toLocaleString('en')} keys`,
    columns: ['s', 'times git fsck', 'node', 'largest git', '… without mapped files'],
    rows: rows.map(({ what, ms, peaks }): Sheet['rows'][number] => {
      const gits = peaks.filter(({ name }) => name.startsWith('git'));
      const largest = gits.toSorted((a, b) => b.rss - a.rss)[0];
      const node = peakOf(peaks, 'node');
      const memory = [node === 0 ? '' : mib(node), largest ? mib(largest.rss) : '', largest ? mib(largest.anonymous) : ''];
      return [what, seconds(ms), round(ms / fsck, 2), ...memory];
    }),
  };
}

function peakOf(peaks: readonly Peak[], name: string): number {
  return Math.max(0, ...peaks.filter((peak) => peak.name === name).map(rss));
}

function rss(peak: Peak): number {
  return peak.rss;
}

function mib(bytes: number): string {
  return `${round(bytes / MIB, 0)} MiB`;
}
