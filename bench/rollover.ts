import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import type { Ran } from '../test/support/programs/processes.js';
import { World } from '../test/support/worlds/world.js';
import {
  caughtUp,
  discard,
  type FreshClone,
  freshClone,
  megabytes,
  must,
  PATIENCE,
  seconds,
  type Stored,
  stored,
} from './fresh-clone.js';
import { reportAll, type Sheet, timed } from './report.js';
import { adopt, buildLedger } from './rollover/ledger.js';

/**
 * node dist/bench/rollover.js [--keys N] [--commits N,N,…]
 * What a fresh clone costs before and after `git kv epoch new`: on a ledger of 2,000 commits over 60,000 keys, and on its first
 * 500 and 1,000. The ledger is built without a Stargate; the rollover and the clones are a user's.
 */
const { values: options } = parseArgs({
  options: { keys: { type: 'string', default: '60000' }, commits: { type: 'string', default: '500,1000,2000' } },
});
const KEYS = Number(options.keys);
const SERIES = options.commits.split(',').map(Number);
const BUILDER = 'ledger.git';

/** One length of the ledger, on both sides of its rollover. */
interface Measured {
  readonly commits: number;
  readonly before: FreshClone;
  readonly after: FreshClone;
  readonly bloblessBefore: FreshClone;
  readonly bloblessAfter: FreshClone;
  /** `git kv epoch new`, and until the mirror shows the new epoch. ms. */
  readonly rolloverMs: number;
  readonly mirrorMs: number;
  /** What two clones from before have to fetch: from a mirror with reachability bitmaps, which Git hosts have, and without. */
  readonly update: Update;
  readonly updateWithout: Update;
  /** The same through `git kv list`, without bitmaps. */
  readonly listWithout: Update;
  readonly textBytes: number;
  readonly gzipBytes: number;
}

async function measure(world: World, commits: number): Promise<Measured> {
  must(await world.git(world.mirror, 'ada', ['config', 'uploadpack.allowFilter', 'true']));
  must(await world.git(world.mirror, 'ada', ['repack', '-adbq'], { timeout: PATIENCE }));
  const before = await freshClone(world, 'before');
  const alsoBefore = await freshClone(world, 'also-before');
  const readingOn = await freshClone(world, 'reading-on');
  const text = await liveText(world, before);
  const bloblessBefore = await freshClone(world, 'blobless-before', { blobless: true });
  await world.clone('ada');
  must(await world.kv('ada', ['list', '--limit', '1'], { timeout: PATIENCE }));
  const rolloverMs = await timed(async () =>
    must(await world.kv('ada', ['epoch', 'new', '--label', '2026Q2'], { timeout: PATIENCE })),
  );
  const mirrorMs = await timed(() => caughtUp(world));
  const after = await freshClone(world, 'after');
  if ((await liveText(world, after)) !== text) throw new Error('the rollover has changed what keys and values there are');
  const bloblessAfter = await freshClone(world, 'blobless-after', { blobless: true });
  const update = await bringUpToDate(world, before, fetchAll);
  await dropBitmaps(world.mirror);
  const updateWithout = await bringUpToDate(world, alsoBefore, fetchAll);
  const listWithout = await bringUpToDate(world, readingOn, listOne);
  for (const clone of [before, alsoBefore, readingOn, after, bloblessBefore, bloblessAfter]) await discard(world, clone);
  await discard(world, { name: 'ada' });
  const [textBytes, gzipBytes] = [Buffer.byteLength(text), gzipSync(text).length];
  return {
    commits,
    before,
    after,
    bloblessBefore,
    bloblessAfter,
    rolloverMs,
    mirrorMs,
    update,
    updateWithout,
    listWithout,
    textBytes,
    gzipBytes,
  };
}

interface Update extends Stored {
  readonly ms: number;
}

type Bring = (world: World, clone: string) => Promise<Ran>;
const fetchAll: Bring = (world, clone) => world.git(world.clonePath(clone), 'ada', ['fetch', '-q'], { timeout: PATIENCE });
const listOne: Bring = (world, clone) => world.kv(clone, ['list', '--limit', '1'], { person: 'ada', timeout: PATIENCE });

/** How long it takes to bring a clone up to date in one way, and what that adds. */
async function bringUpToDate(world: World, clone: FreshClone, bring: Bring): Promise<Update> {
  const path = world.clonePath(clone.name);
  const ms = await timed(async () => must(await bring(world, clone.name)));
  const now = await stored(join(path, '.git'));
  return {
    ms,
    objects: now.objects - clone.objects,
    objectBytes: now.objectBytes - clone.objectBytes,
    diskBytes: now.diskBytes - clone.diskBytes,
  };
}

async function dropBitmaps(repository: string): Promise<void> {
  const folder = join(repository, 'objects', 'pack');
  const names = (await readdir(folder)).filter((name) => name.endsWith('.bitmap'));
  if (names.length === 0) throw new Error('the mirror has no bitmaps to go without');
  await Promise.all(names.map((name) => rm(join(folder, name), { force: true })));
}

/** All keys and values, one a line, as the clone's user gets at them; the keys' number is checked. */
async function liveText(world: World, { name }: FreshClone): Promise<string> {
  const file = join(world.dir, 'export.jsonl');
  must(await world.kv(name, ['snapshot', '--export', file, '--offline'], { person: 'ada', timeout: PATIENCE }));
  const lines = (await readFile(file, 'utf8')).trimEnd().split('\n').slice(1, -1);
  if (lines.length !== KEYS) throw new Error(`${lines.length} keys instead of ${KEYS}`);
  return lines
    .map((line) => JSON.parse(line) as { key: string; value: string })
    .map(({ key, value }) => `${key}\t${value}\n`)
    .join('');
}

const measured: Measured[] = [];
const builder = await World.create();
let buildMs = 0;
try {
  const path = join(builder.dir, BUILDER);
  const start = performance.now();
  const steps = await buildLedger(builder, path, Math.max(...SERIES), KEYS);
  buildMs = performance.now() - start;
  for (const commits of SERIES) {
    // A Stargate and a mirror of its own for each length: a rollover can't be taken back.
    const world = await World.create();
    try {
      await adopt(world, path, steps, commits);
      measured.push(await measure(world, commits));
    } finally {
      await world.close();
    }
    console.log(`${commits} commits: done after ${seconds(performance.now() - start)} s`);
  }
} finally {
  await builder.close();
}

const last = measured.at(-1) as Measured;
const number = (value: number): string => value.toLocaleString('en');
const cloneRow = (what: string, clone: Update): [string, ...(string | number)[]] => [
  what,
  number(clone.objects),
  megabytes(clone.objectBytes),
  megabytes(clone.diskBytes),
  seconds(clone.ms),
];
const sheets: Sheet[] = [
  {
    title: `A fresh clone of ${number(last.commits)} commits over ${number(KEYS)} keys`,
    columns: ['objects', 'MB', 'MB by du', 'seconds'],
    rows: [
      cloneRow('before the rollover', last.before),
      cloneRow('after it', last.after),
      cloneRow('without blobs, before', last.bloblessBefore),
      cloneRow('without blobs, after', last.bloblessAfter),
      cloneRow('what git fetch brings to a clone from before', last.update),
      cloneRow('… from a mirror without reachability bitmaps', last.updateWithout),
      cloneRow('what git kv list brings, from such a mirror', last.listWithout),
      ['keys and values as text', '', megabytes(last.textBytes), '', ''],
      ['the text, gzip', '', megabytes(last.gzipBytes), '', ''],
    ],
  },
  {
    title: `Growth, ${number(KEYS)} keys at any time`,
    columns: ['MB before', 'after', 'objects before', 'after', 'clone s before', 'after', 'rollover s', 'at the mirror after s'],
    rows: measured.map(({ commits, before, after, rolloverMs, mirrorMs }) => [
      `${number(commits)} commits`,
      megabytes(before.objectBytes),
      megabytes(after.objectBytes),
      number(before.objects),
      number(after.objects),
      ...[before.ms, after.ms, rolloverMs, mirrorMs].map(seconds),
    ]),
  },
];
reportAll('rollover', [], { 'the ledger was built in, s': seconds(buildMs) }, sheets, measured);
