import { parseArgs } from 'node:util';
import { nodeHasher } from '../adapters/hasher-node/open.js';
import { listPointers } from '../domain/index/list.js';
import { pathsOf, placeOf } from '../domain/ledger/paths.js';
import { ObjectNamer } from '../domain/git/object.js';
import { utf8 } from '../domain/git/bytes.js';
import { createCorpus, keyAt, NS, valueAt } from './corpus.js';
import { reportAll, type Row, type Table, timed } from './report.js';
import { openSides, type Side } from './stores/sides.js';
import { transaction } from './stores/transaction.js';

/**
 * node dist/bench/stores.js [--keys N] [--runs N]
 * The stores git-cli, nodegit and git-memory on the same work in one process, each on a copy of one repository of 100,000 keys. The
 * first two sync what they write. Fails unless all of them arrive at the same commits. nodegit is there when it is installed.
 */
const { values: options } = parseArgs({
  options: { keys: { type: 'string', default: '100000' }, runs: { type: 'string', default: '9' } },
});
const count = Number(options.keys);
const runs = Number(options.runs);
const PAGE = 1000;
const OBJECTS = 100_000;
const hasher = nodeHasher();

interface Work {
  readonly title: string;
  readonly rounds: number;
  /** Rounds before those that are measured. */
  readonly warmUp: number;
  once(side: Side, round: number): Promise<void>;
}

const WORKS: readonly Work[] = [
  {
    title: `One value of ${count.toLocaleString('en')}, by its path`,
    rounds: runs * 40,
    warmUp: 20,
    async once({ store, base }, round) {
      const at = (round * 1237) % count;
      const { data } = pathsOf(NS, placeOf(keyAt(at), hasher));
      const [value] = await store.readPaths(base.ledger?.commit ?? '', [data]);
      if (Buffer.from(value?.body ?? []).toString() !== valueAt(at)) throw new Error(`${keyAt(at)} has another value`);
    },
  },
  {
    title: `${PAGE.toLocaleString('en')} keys of ${count.toLocaleString('en')}, by prefix`,
    rounds: runs * 10,
    warmUp: 10,
    async once({ store, base }, round) {
      const prefix = keyAt(((round * 37) % (count / PAGE)) * PAGE).slice(0, -3);
      let found = 0;
      for await (const _ of listPointers(store, NS, base.index?.tree ?? '', { prefix }, 20)) found++;
      if (found !== PAGE) throw new Error(`prefix ${prefix}: ${found} keys`);
    },
  },
  {
    title: 'A transaction of one key: built, written, refs moved',
    rounds: runs * 4,
    warmUp: 3,
    once: (side, round) => transaction(side, 1, count, round + 1),
  },
  {
    title: 'A transaction of 1,000 keys',
    rounds: runs,
    warmUp: 1,
    once: (side, round) => transaction(side, 1000, count, 1000 + round),
  },
  {
    title: `${OBJECTS.toLocaleString('en')} objects of about 60 bytes written in one call`,
    rounds: Math.ceil(runs / 3),
    warmUp: 0,
    async once({ store }, round) {
      const namer = new ObjectNamer(hasher, store.objectFormat);
      await store.write(Array.from({ length: OBJECTS }, (_, i) => namer.object('blob', utf8(valueAt(i, 10_000 + round)))));
    },
  },
];

/** Each round begins with another side, so that a noisy machine is noisy for all. */
async function sideBySide(sides: readonly Side[], work: Work): Promise<Table> {
  const rows: (Row & { readonly samples: number[] })[] = sides.map(({ name }) => ({ what: name, samples: [] }));
  for (let round = 0; round < work.warmUp + work.rounds; round++) {
    for (let i = 0; i < sides.length; i++) {
      const at = (i + round) % sides.length;
      const ms = await timed(() => work.once(sides[at] as Side, round));
      if (round >= work.warmUp) rows[at]?.samples.push(ms);
    }
    const commits = new Set(sides.map(({ base }) => `${base.ledger?.commit} ${base.index?.commit}`));
    if (commits.size > 1) throw new Error(`${work.title}: the stores have gone apart`);
  }
  return { title: work.title, rows };
}

const corpus = await createCorpus(count);
try {
  const sides = await openSides(corpus);
  const tables: Table[] = [];
  for (const work of WORKS) tables.push(await sideBySide(sides, work));
  for (const { store } of sides) await store.close();
  reportAll('stores', tables, { synced: 'git-cli and nodegit sync objects and refs; git-memory has no disk' });
} finally {
  corpus.remove();
}
