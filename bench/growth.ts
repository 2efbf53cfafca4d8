import { World } from '../test/support/world.js';
import { type Row, reportAll, type Table, timed } from './report.js';

/**
 * What one write costs, and the first read after another's write, as whole processes, the more keys there are.
 * `node dist/bench/growth.js [--full]`: 1,000 and 100,000 keys; with --full a million too.
 */
const SIZES = process.argv.includes('--full') ? [1000, 100_000, 1_000_000] : [1000, 100_000];
const RUNS = 9;
/** Keys of one transaction while the ledger is filled. */
const BATCH = 25_000;

const rows: { readonly set: Row[]; readonly get: Row[] } = { set: [], get: [] };
for (const keys of SIZES) {
  const world = await World.create();
  try {
    for (const clone of ['writer', 'reader', 'other']) await world.clone('ada', clone);
    for (let from = 0; from < keys; from += BATCH) {
      const lines = Array.from({ length: Math.min(BATCH, keys - from) }, (_, i) =>
        JSON.stringify({ op: 'set', key: `user:${from + i}`, value: `value ${from + i}` }),
      );
      const { code, stderr } = await kv(world, 'writer', ['mset', '--file', '-'], lines.join('\n'));
      if (code !== 0) throw new Error(stderr);
    }
    await world.mirrored();
    for (const clone of ['reader', 'other']) await must(kv(world, clone, ['get', 'user:1']));
    await must(kv(world, 'other', ['set', 'user:1', 'first']));
    const [set, get]: [number[], number[]] = [[], []];
    for (let i = 0; i < RUNS; i++) {
      set.push(await timed(() => must(kv(world, 'other', ['set', 'user:1', `write ${i}`]))));
      await world.mirrored();
      get.push(await timed(() => must(kv(world, 'reader', ['get', 'user:1']))));
    }
    const what = `${keys.toLocaleString('en')} keys`;
    rows.set.push({ what, samples: set });
    rows.get.push({ what, samples: get });
  } finally {
    await world.close();
  }
}
const tables: Table[] = [
  { title: 'git kv set of one key', rows: rows.set },
  { title: "git kv get after another's write", rows: rows.get },
];
reportAll('growth', tables);

function kv(world: World, clone: string, args: readonly string[], input?: string): ReturnType<World['kv']> {
  return world.kv(clone, args, { person: 'ada', ...(input === undefined ? {} : { input }) });
}

async function must(running: ReturnType<World['kv']>): Promise<void> {
  const { code, stderr } = await running;
  if (code !== 0) throw new Error(stderr);
}
