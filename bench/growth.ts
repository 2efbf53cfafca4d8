import { readdir, readFile, readlink } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { twoLedgers } from '../test/chaos/memory-run.js';
import { World } from '../test/support/world.js';
import { type Row, reportAll, type Table, timed } from './report.js';

/**
 * What one write costs, to a linear and to a sequenced ledger, and the first read after another's write, as whole processes, the more keys
 * there are.
 * `node dist/bench/growth.js [--full]`: 1,000 and 100,000 keys; with --full a million too.
 */
const SIZES = process.argv.includes('--full') ? [1000, 100_000, 1_000_000] : [1000, 100_000];
const RUNS = 9;
/** So many writes to each ledger come before, after which the Stargate packs what it was filled with: no part of what a write costs later. */
const FIRST = 30;
/** Keys of one transaction while the ledger is filled. */
const BATCH = 25_000;

const rows: Record<'set' | 'intent' | 'get', Row[]> = { set: [], intent: [], get: [] };
for (const keys of SIZES) {
  const world = await World.create({ policy: twoLedgers });
  try {
    for (const clone of ['writer', 'reader', 'other']) await world.clone('ada', clone);
    for (let from = 0; from < keys; from += BATCH) {
      const lines = Array.from({ length: Math.min(BATCH, keys - from) }, (_, i) =>
        JSON.stringify({ op: 'set', key: `user:${from + i}`, value: `value ${from + i}` }),
      );
      for (const ns of ['main', 'seq']) await must(kv(world, 'writer', ['mset', '--file', '-', '--ns', ns], lines.join('\n')));
    }
    await world.mirrored();
    for (const clone of ['reader', 'other']) await must(kv(world, clone, ['get', 'user:1']));
    for (let i = 0; i < FIRST; i++) {
      for (const ns of ['main', 'seq']) await must(kv(world, 'other', ['set', 'user:1', `first ${i}`, '--ns', ns]));
    }
    await world.mirrored();
    await settled(world);
    const [set, intent, get]: [number[], number[], number[]] = [[], [], []];
    for (let i = 0; i < RUNS; i++) {
      set.push(await timed(() => must(kv(world, 'other', ['set', 'user:1', `write ${i}`]))));
      await world.mirrored(); // the mirror lies on this machine too, and its Git looks through all that it has
      intent.push(await timed(() => must(kv(world, 'other', ['set', 'user:1', `write ${i}`, '--ns', 'seq']))));
      await world.mirrored();
      get.push(await timed(() => must(kv(world, 'reader', ['get', 'user:1']))));
    }
    const what = `${keys.toLocaleString('en')} keys`;
    rows.set.push({ what, samples: set });
    rows.intent.push({ what, samples: intent });
    rows.get.push({ what, samples: get });
  } finally {
    await world.close();
  }
}
const tables: Table[] = [
  { title: 'git kv set of one key, linear ledger', rows: rows.set },
  { title: 'git kv set of one key, sequenced ledger', rows: rows.intent },
  { title: "git kv get after another's write", rows: rows.get },
];
reportAll('growth', tables);

/** Waits until no Git of this World packs what it has. */
async function settled(world: World): Promise<void> {
  for (let quiet = 0; quiet < 10; await sleep(200)) {
    const processes = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
    const packs = await Promise.all(
      processes.map(async (pid) => {
        const [words, cwd] = await Promise.all([
          readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''),
          readlink(`/proc/${pid}/cwd`).catch(() => ''),
        ]);
        return cwd.startsWith(world.dir) && /\0(?:gc|repack|pack-objects|multi-pack-index)\0/.test(words);
      }),
    );
    quiet = packs.includes(true) ? 0 : quiet + 1;
  }
}

function kv(world: World, clone: string, args: readonly string[], input?: string): ReturnType<World['kv']> {
  return world.kv(clone, args, { person: 'ada', ...(input === undefined ? {} : { input }) });
}

async function must(running: ReturnType<World['kv']>): Promise<void> {
  const { code, stderr } = await running;
  if (code !== 0) throw new Error(stderr);
}
