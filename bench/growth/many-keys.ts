import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { twoLedgers } from '../../test/chaos/memory-run.js';
import { World } from '../../test/support/worlds/world.js';
import { timed } from '../report.js';
import { must } from './must.js';

/** Keys of one transaction while a ledger is filled. */
const BATCH = 25_000;
/** Values of a fast-import lie in so many folders, of as many folders each. */
const FAN_OUT = 256;

/** A World of two ledgers, what it took to fill one, ms, and to have `git fast-import` write as many files in as many commits. */
export interface Filled {
  readonly world: World;
  readonly imported: number;
  readonly fastImported: number;
}

/** A World of two ledgers with so many keys each, and clones `reader` and `other` that have read nothing; whoever asks for it closes it. */
export async function manyKeys(keys: number): Promise<Filled> {
  const world = await World.create({ policy: twoLedgers });
  try {
    for (const clone of ['writer', 'reader', 'other']) await world.clone('ada', clone);
    const fill = async (ns: string): Promise<void> => {
      for (let from = 0; from < keys; from += BATCH) {
        const lines = numbers(from, keys).map((i) => JSON.stringify({ op: 'set', key: `user:${i}`, value: `value ${i}` }));
        await must(world, 'writer', ['mset', '--file', '-', '--ns', ns], lines.join('\n'));
      }
    };
    const imported = await timed(() => fill('main'));
    const fastImported = await timed(() => fastImport(world, keys));
    await fill('seq');
    return { world, imported, fastImported };
  } catch (error) {
    await world.close();
    throw error;
  }
}

/** The numbers of a batch. */
function numbers(from: number, keys: number): number[] {
  return Array.from({ length: Math.min(BATCH, keys - from) }, (_, at) => from + at);
}

async function fastImport(world: World, keys: number): Promise<void> {
  const repository = join(world.dir, 'fast.git');
  await world.git(world.dir, 'ada', ['init', '-q', '--bare', repository]);
  const child = spawn('git', ['-C', repository, 'fast-import', '--quiet'], {
    env: world.env('ada'),
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  const ended = once(child, 'close');
  for (let from = 0; from < keys; from += BATCH) {
    const head = `commit refs/heads/main\ncommitter ada <ada@example.org> ${1_700_000_000 + from} +0000\ndata 0\n`;
    const files = numbers(from, keys).map((i) => {
      const [outer, inner] = [i % FAN_OUT, Math.floor(i / FAN_OUT) % FAN_OUT];
      const value = `value ${i}`;
      return `M 100644 inline ${outer}/${inner}/user-${i}\ndata ${value.length}\n${value}\n`;
    });
    if (!child.stdin.write(`${head}${files.join('')}\n`)) await once(child.stdin, 'drain');
  }
  child.stdin.end();
  const [code] = (await ended) as [number | null];
  if (code !== 0) throw new Error(`git fast-import ended with ${code}`);
}
