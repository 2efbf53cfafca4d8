import { spawn } from 'node:child_process';
import { createCipheriv, createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { BIN_DIR } from '../test/support/root.js';
import { World } from '../test/support/worlds/world.js';
import { caughtUp } from './fresh-clone.js';
import { type Peak, watchMemory } from './large/memory.js';
import { secondVersions } from './large/second-version.js';
import { reportAll, round, type Sheet, timed } from './report.js';

/**
 * node dist/bench/large.js [--full]
 * A large value in and out: time, and the resident memory of node and of each git process by itself. 256 MiB by default,
 * 2 GiB with --full. Then what the second versions of real files cost.
 */
const MIB = 1024 * 1024;
const size = (process.argv.includes('--full') ? 2048 : 256) * MIB;
const LIMIT = 256 * MIB;

const second = await secondVersions();
const world = await World.create({
  writers: ['ada', 'bob'],
  policy: (text) => text.replace('max_value_total: 100MiB', 'max_value_total: 4GiB'),
});
try {
  await Promise.all(['ada', 'bob'].map((person) => world.clone(person)));
  const file = join(world.dir, 'random');
  const wanted = await writeRandom(file, size);
  const out = join(world.dir, 'out');
  const set = await run('ada', ['set', 'model', file]);
  await caughtUp(world);
  const fetched = await run('bob', ['get', 'model', '--output', out]);
  if ((await digestOf(out)) !== wanted) throw new Error('what came out is not what went in');
  const again = await run('bob', ['get', 'model', '--output', out, '--offline']);
  const gateway = await peakOf(world.pid as number);
  const worst = Math.max(
    ...[set, fetched, again].flatMap(({ peaks: all }) => all.filter(({ name }) => name === 'node').map(({ rss }) => rss)),
  );
  reportAll(
    'large',
    [
      {
        title: `A random value of ${mib(size)}`,
        rows: [
          { what: 'set FILE, to the Stargate', samples: [set.ms] },
          { what: 'get --output, fetched from the mirror', samples: [fetched.ms] },
          { what: 'get --output --offline', samples: [again.ms] },
        ],
      },
    ],
    {
      [`node within ${mib(LIMIT)}`]: worst <= LIMIT ? 'yes' : `no: ${mib(worst)}`,
      'the Stargate (node) at its peak': mib(gateway),
      ...second.notes,
    },
    [memorySheet({ set, 'get, fetched': fetched, 'get --offline': again }), ...second.sheets],
  );
} finally {
  await world.close();
}

interface Ran {
  readonly ms: number;
  readonly peaks: readonly Peak[];
}

/** Runs one command and watches the memory of it and of everything it starts. */
async function run(person: string, args: readonly string[]): Promise<Ran> {
  let peaks: readonly Peak[] = [];
  const ms = await timed(async () => {
    const child = spawn(process.execPath, [join(BIN_DIR, 'git-kv.js'), ...args], {
      cwd: world.clonePath(person),
      env: world.env(person),
      stdio: ['ignore', 'inherit', 'pipe'],
    });
    let complaint = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint += text;
    });
    const memory = watchMemory(child.pid as number);
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
    peaks = memory.stop();
    if (code !== 0) throw new Error(`git kv ${args.join(' ')}: ${complaint}\n${world.daemonLog()}`);
  });
  return { ms, peaks };
}

/** Each process at its own peak, one row for each; a process that took less than 8 MiB is left out. */
function memorySheet(runs: Readonly<Record<string, Ran>>): Sheet {
  const rows = Object.entries(runs).flatMap(([what, { peaks }]) =>
    peaks
      .filter(({ rss }) => rss >= 8 * MIB)
      .map(({ name, rss, anonymous }): Sheet['rows'][number] => [`${what}: ${name}`, mib(rss), mib(anonymous)]),
  );
  return { title: 'Resident memory at its peak', columns: ['all', 'without mapped files'], rows };
}

async function peakOf(pid: number): Promise<number> {
  const memory = watchMemory(pid);
  return memory.stop().find(({ name }) => name === 'node')?.rss ?? Number.NaN;
}

/** A file that nothing can compress, at the disk's speed; gives its SHA-256. */
async function writeRandom(path: string, bytes: number): Promise<string> {
  const cipher = createCipheriv('aes-128-ctr', randomBytes(16), randomBytes(16));
  const zeros = Buffer.alloc(4 * MIB);
  const hash = createHash('sha256');
  const handle = await open(path, 'w');
  try {
    for (let at = 0; at < bytes; at += zeros.length) {
      const piece = cipher.update(zeros.subarray(0, Math.min(zeros.length, bytes - at)));
      hash.update(piece);
      await handle.writeFile(piece);
    }
  } finally {
    await handle.close();
  }
  return hash.digest('hex');
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path, { highWaterMark: MIB })) hash.update(piece as Buffer);
  return hash.digest('hex');
}

function mib(bytes: number): string {
  return `${round(bytes / MIB, 0)} MiB`;
}
