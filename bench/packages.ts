import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import type { Ran } from '../test/support/programs/processes.js';
import { World } from '../test/support/worlds/world.js';
import { caughtUp, discard, freshClone, megabytes, must, PATIENCE, seconds } from './fresh-clone.js';
import { type Lists, readLists, type Stanza } from './packages/stanzas.js';
import { reportAll, round, type Sheet } from './report.js';

/**
 * node dist/bench/packages.js [--limit N] [--batch N]
 * A real table as a user would keep it: Debian's list of packages, `deb:<package>` for each stanza, through a real Stargate to its
 * mirror; then what a day with it is like, a new epoch, and fresh clones. Skipped where the machine has no such list.
 */
const { values: options } = parseArgs({
  options: { limit: { type: 'string', default: '1000000' }, batch: { type: 'string', default: '20000' } },
});

type Line = [what: string, seconds: number | string, outcome: string];
const lines: Line[] = [];
const sizes: [string, ...(string | number)[]][] = [];
const number = (value: number): string => value.toLocaleString('en');

/** Runs a step of the story, and writes down its time and what `outcome` makes of it. */
async function step<T>(what: string, work: () => Promise<T>, outcome: (result: T) => string): Promise<T> {
  const start = performance.now();
  const result = await work();
  lines.push([what, seconds(performance.now() - start), outcome(result)]);
  console.log(...(lines.at(-1) ?? []));
  return result;
}

function jsonl(stanzas: Iterable<Stanza>): string {
  return Array.from(stanzas, ({ name, text }) =>
    JSON.stringify({ op: 'set', key: `deb:${name}`, value: text, ctype: 'text/plain' }),
  ).join('\n');
}

const count = ({ stdout }: Ran): number => stdout.split('\n').length - 1;
const nothing = (): string => '';

async function tell(world: World, { main: all, newer: late, files }: Lists): Promise<void> {
  const kv = async (...args: string[]): Promise<Ran> => must(await world.kv('ada', args, { timeout: PATIENCE }));
  const shown = (): Promise<unknown> => step('until the mirror shows it', () => caughtUp(world), nothing);
  const main = [...all.values()].slice(0, Number(options.limit));
  const kept = new Set(main.map(({ name }) => name));
  const newer = [...late.values()].filter(({ name }) => kept.has(name) || (main.length === all.size && !all.has(name)));
  const changed = newer.find(({ name }) => kept.has(name));
  if (changed === undefined) throw new Error('no stanza of the security or update lists is newer than its package');
  const key = `deb:${changed.name}`;
  const table = join(world.dir, 'main.jsonl');
  await writeFile(table, jsonl(main));
  await writeFile(join(world.dir, 'newer.jsonl'), jsonl(newer));
  await world.clone('ada');

  const loaded = await step(
    `import of ${number(main.length)} stanzas, --batch ${number(Number(options.batch))}`,
    () => kv('import', table, '--json', '--batch', options.batch),
    ({ stdout }) => `${(JSON.parse(stdout) as { transactions: unknown[] }).transactions.length} transactions`,
  );
  const inStargate = await validationSeconds(world);
  const { commit } = JSON.parse(loaded.stdout) as { commit: string };
  await shown();
  await cloned(world, 'the table loaded', main.length);
  const keys = (ran: Ran): string => `${number(count(ran))} keys`;
  await step('list --prefix deb:lib', () => kv('list', '--prefix', 'deb:lib'), keys);
  await step('list --prefix deb:lib --offline', () => kv('list', '--prefix', 'deb:lib', '--offline'), keys);
  await step('list --offline', () => kv('list', '--offline'), keys);
  await step(`get ${key}`, () => kv('get', key), versionIn);
  const update = ['import', join(world.dir, 'newer.jsonl')];
  await step(`import of ${number(newer.length)} newer stanzas (security, updates)`, () => kv(...update), nothing);
  await shown();
  await step('diff COMMIT, since the table was loaded', () => kv('diff', commit), letters);
  const changes = (ran: Ran): string => `${count(ran) - 1} changes`; // below a line of heads
  await step(`history ${key}`, () => kv('history', key), changes);
  await step(`get ${key} --at COMMIT`, () => kv('get', key, '--at', commit), versionIn);
  const total = main.length + newer.filter(({ name }) => !kept.has(name)).length;
  await cloned(world, 'with the newer stanzas', total);
  await step('epoch new', () => kv('epoch', 'new', '--label', 'next'), nothing);
  await shown();
  await cloned(world, 'after the rollover', total);
  await cloned(world, 'after the rollover, without blobs', total, true);
  await step('list --prefix deb:lib, in the new epoch', () => kv('list', '--prefix', 'deb:lib'), keys);
  await step(`history ${key} --epochs`, () => kv('history', key, '--epochs'), changes);

  const text = main.map((stanza) => stanza.text).join('\n\n');
  sizes.push(['the list itself', number(main.length), megabytes(Buffer.byteLength(text)), '', '']);
  sizes.push(['the list, gzip', '', megabytes(gzipSync(text).length), '', '']);
  const sheets: Sheet[] = [
    { title: 'A table of Debian’s packages', columns: ['s', 'what came of it'], rows: lines },
    { title: 'A fresh clone of it', columns: ['objects', 'MB', 'MB by du', 's'], rows: sizes },
  ];
  const notes = {
    lists: files.map((file) => file.replace(/^.*_dists_|_binary.*$/g, '')).join(', '),
    'validation and commit inside the Stargate, s of the first import': inStargate,
  };
  reportAll('packages', [], notes, sheets);
}

/** What the Stargate itself has taken so far for all that it accepted. */
async function validationSeconds(world: World): Promise<number> {
  const metrics = await (await fetch(`${world.http}/metrics`)).text();
  return round(Number(/^stargate_txn_latency_seconds_sum(?:\{.*?\})? (\S+)$/m.exec(metrics)?.[1]));
}

function versionIn({ stdout }: Ran): string {
  return `version ${/^Version: (.*)$/m.exec(stdout)?.[1]}`;
}

function letters({ stdout }: Ran): string {
  const of = (letter: string): string => number(stdout.split('\n').filter((line) => line.startsWith(`${letter} `)).length);
  return `${of('A')} added, ${of('M')} changed`;
}

/** Clones the mirror, holds the number of its keys against what it should be, and writes down its size. */
async function cloned(world: World, what: string, keys: number, blobless = false): Promise<void> {
  const clone = await freshClone(world, 'fresh', { blobless });
  const found = count(must(await world.kv('fresh', ['list'], { person: 'ada' })));
  if (found !== keys) throw new Error(`a fresh clone has ${found} keys instead of ${keys}`);
  sizes.push([what, number(clone.objects), megabytes(clone.objectBytes), megabytes(clone.diskBytes), seconds(clone.ms)]);
  await discard(world, clone);
}

const lists = await readLists();
if (lists === null) {
  console.log('packages: skipped, there is no list of Debian packages on this machine');
} else {
  const world = await World.create();
  try {
    must(await world.git(world.mirror, 'ada', ['config', 'uploadpack.allowFilter', 'true']));
    await tell(world, lists);
  } finally {
    await world.close();
  }
}
