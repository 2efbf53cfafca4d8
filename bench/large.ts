import { spawn } from 'node:child_process';
import { createCipheriv, createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { BIN_DIR, World } from '../test/e2e/world.js';
import { newBytesOfSecondVersion } from './large/second-version.js';
import { type Peak, watchMemory } from './large/memory.js';
import { reportAll, round, timed } from './report.js';

/**
 * A large value in and out: time, and the resident memory of node and of each git process by itself. 256 MiB by default,
 * 2 GiB with --full. Then the new bytes of a real file's second version.
 */
const MIB = 1024 * 1024;
const size = (process.argv.includes('--full') ? 2048 : 256) * MIB;
const LIMIT = 256 * MIB;

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
  await caughtUp();
  const fetched = await run('bob', ['get', 'model', '--output', out]);
  if ((await digestOf(out)) !== wanted) throw new Error('what came out is not what went in');
  const again = await run('bob', ['get', 'model', '--output', out, '--offline']);
  const gateway = await peakOf(world.pid as number);
  const second = await newBytesOfSecondVersion(world);
  const peaks = (ran: Ran): string =>
    ran.peaks.map(({ name, rss, anonymous }) => `${name} ${mib(rss)} (${mib(anonymous)} anonymous)`).join('; ');
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
      'peak resident memory, set': peaks(set),
      'peak resident memory, get with fetch': peaks(fetched),
      'peak resident memory, get offline': peaks(again),
      'peak resident memory of the Stargate (node)': mib(gateway),
      [`node within ${mib(LIMIT)}`]: worst <= LIMIT ? 'yes' : `no: ${mib(worst)}`,
      ...second,
    },
  );
} finally {
  await world.close();
}

/** A large push takes the mirror longer than a test would wait. */
async function caughtUp(): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await world.mirrored();
    } catch (error) {
      if (tries === 20) throw error;
    }
  }
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
