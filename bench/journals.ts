import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openFileJournal } from '../adapters/journal-file/open.js';
import { loadSqlite, openSqliteJournal } from '../adapters/journal-sqlite/open.js';
import type { Journal, JournalRecord } from '../ports/stargate/journal.js';
import type { WatchEvent } from '../ports/vocabulary.js';
import { quantile, reportAll, round, timed } from './report.js';

/**
 * Synced appends a second and the replay of 100,000 records, by each journal that has a disk below it.
 * `node dist/bench/journals.js [APPENDS] [RECORDS] [ROUNDS] [FOLDER]`; FOLDER is on the disk that is measured.
 */
const APPENDS = Number(process.argv[2] ?? 1000);
const RECORDS = Number(process.argv[3] ?? 100_000);
const ROUNDS = Number(process.argv[4] ?? 5);
const TOGETHER = 50;

const folder = await mkdtemp(join(process.argv[5] ?? tmpdir(), 'git-kv-journals-'));
const sqlite = await loadSqlite();
const SIDES: readonly { readonly name: string; open(name: string): Promise<Journal>; path(name: string): string }[] = [
  {
    name: 'journal-file',
    open: (name) => openFileJournal({ path: join(folder, `${name}.ndjson`) }),
    path: (name) => join(folder, `${name}.ndjson`),
  },
  {
    name: 'journal-sqlite',
    open: async (name) => openSqliteJournal({ path: join(folder, `${name}.sqlite`), sqlite }),
    path: (name) => join(folder, `${name}.sqlite`),
  },
];

/** As one transaction of one namespace has it, of about 800 bytes. */
function intent(number: number): JournalRecord {
  const oid = (salt: number): string => (BigInt(number + 1) * BigInt(salt)).toString(16).padStart(40, '0');
  const ts = new Date(Date.UTC(2026, 0, 1) + number * 1000).toISOString();
  const id = String(number).padStart(26, '0');
  const updates = ['kv/main', 'kv-index/main', 'kv-watchlog/main@2026Q1'].map((ref, i) => ({
    ref: `refs/${ref}`,
    old: oid(7 + i),
    next: oid(77 + i),
  }));
  const event: WatchEvent = {
    v: 1,
    ns: 'main',
    epoch: '2026Q1',
    oid: oid(77),
    txn: id,
    received: ts,
    signer: 'ada',
    set: 1,
    del: 0,
    parentEpoch: null,
  };
  return { kind: 'intent', id, term: 3, ts, updates, events: [event] };
}

const perSecond = (samples: readonly number[], count: number): number => Math.round(count / (quantile(samples, 0.5) / 1000));

try {
  const [one, together, replay]: Map<string, number[]>[] = [new Map(), new Map(), new Map()];
  const note = (where: Map<string, number[]> | undefined, name: string, ms: number): void => {
    where?.set(name, [...(where.get(name) ?? []), ms]);
  };
  const sizes = new Map<string, number>();
  const all = Array.from({ length: RECORDS }, (_, i) => intent(i));
  for (const side of SIDES) {
    const journal = await side.open('full');
    await journal.rewrite(all);
    await journal.close();
    sizes.set(side.name, (await stat(side.path('full'))).size);
  }
  for (let turn = 0; turn < ROUNDS; turn++) {
    const sides = turn % 2 === 0 ? SIDES : [...SIDES].reverse();
    for (const side of sides) {
      const journal = await side.open(`appends-${turn}`);
      note(
        one,
        side.name,
        await timed(async () => {
          for (let i = 0; i < APPENDS; i++) await journal.append(intent(i));
        }),
      );
      note(
        together,
        side.name,
        await timed(async () => {
          for (let i = 0; i < APPENDS; i += TOGETHER) {
            await Promise.all(Array.from({ length: TOGETHER }, (_, at) => journal.append(intent(i + at))));
          }
        }),
      );
      await journal.close();
      note(
        replay,
        side.name,
        await timed(async () => {
          const full = await side.open('full');
          let count = 0;
          for await (const record of full.replay()) count += record.kind === 'intent' ? 1 : 0;
          if (count !== RECORDS) throw new Error(`${side.name} gave ${count} of ${RECORDS} records`);
          await full.close();
        }),
      );
    }
  }
  const of = (where: Map<string, number[]> | undefined, name: string): number[] => where?.get(name) ?? [];
  reportAll(
    'journals',
    [
      {
        title: `Opening a journal of ${RECORDS} records, and replaying it`,
        rows: SIDES.map(({ name }) => ({ what: name, samples: of(replay, name) })),
      },
    ],
    { appends: `${APPENDS} a round, ${ROUNDS} rounds` },
    [
      {
        title: 'Synced appends a second',
        columns: ['one by one', `${TOGETHER} at a time`, `MB of ${RECORDS} records`],
        rows: SIDES.map(({ name }) => [
          name,
          perSecond(of(one, name), APPENDS),
          perSecond(of(together, name), APPENDS),
          round((sizes.get(name) ?? 0) / 1e6),
        ]),
      },
    ],
  );
} finally {
  await rm(folder, { recursive: true, force: true });
}
