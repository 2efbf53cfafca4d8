import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { nodeHasher } from '../adapters/hasher-node/open.js';
import { diffStates } from '../domain/client/history/diff.js';
import { keyHistory } from '../domain/client/history/history.js';
import { readKeyAt } from '../domain/client/history/read-at.js';
import { statesOf } from '../domain/client/history/key-state.js';
import { openAll } from '../domain/client/past/epoch-chain.js';
import { decodeMetadata } from '../domain/ledger/value/metadata.js';
import { pathsOf, placeOf } from '../domain/ledger/paths.js';
import { ledgerRef } from '../domain/ledger/refs.js';
import type { Oid } from '../ports/vocabulary.js';
import { NS } from './corpus.js';
import { CHANGES, cloneOf, createLedger, HOT, type Ledger } from './history/ledger.js';
import { reportAll, round, type Row, type Table, timed } from './report.js';

/**
 * `history`, `get --at` and `diff` on ledgers of 100, 1,000 and 10,000 commits of which ten change the key. Three ways to find
 * those ten: git's walk as it is, git's walk with a commit-graph (without and with changed-path filters), and walks in JavaScript.
 */

const SIZES = process.argv.includes('--small') ? [100, 1000] : [100, 1000, 10_000];
const PATH = pathsOf(NS, placeOf(HOT, nodeHasher())).meta;

async function repeat(what: string, runs: number, work: () => Promise<unknown>): Promise<Row> {
  const samples: number[] = [];
  for (let i = 0; i < runs; i++) samples.push(await timed(work));
  return { what, samples };
}

function expectChanges(found: number, how: string): void {
  if (found !== CHANGES) throw new Error(`${how}: ${found} changes instead of ${CHANGES}`);
}

/** git's own process, start and all, as the store runs it. */
function revList(ledger: Ledger, paths: readonly string[]): () => Promise<void> {
  return async () => {
    let found = 0;
    for await (const _ of ledger.store.history({ tip: tipOf(ledger), paths })) found++;
    expectChanges(found, 'rev-list');
  };
}

/** Reads every commit, and of each the trees on the way to the key's metadata, in batches. */
async function walkTrees(ledger: Ledger): Promise<void> {
  const clone = cloneOf(ledger);
  let newer: { oid: Oid; meta: Oid | null } | null = null;
  let found = 0;
  const take = async (oids: readonly Oid[]): Promise<void> => {
    const states = await Promise.all(oids.map((oid) => statesOf(clone, NS, oid, [HOT])));
    oids.forEach((oid, i) => {
      const meta = states[i]?.[0]?.meta ?? null;
      if (newer !== null && newer.meta !== meta) found++;
      newer = { oid, meta };
    });
  };
  await inBatches(ledger, take);
  expectChanges(found + 1, 'walk of trees'); // the first commit sets it too
}

/** Reads every commit, and follows the transaction that the key's metadata names; a tree is read only where it hops. */
async function walkHops(ledger: Ledger): Promise<void> {
  const clone = cloneOf(ledger);
  let wanted: string | null = null;
  let start = true;
  let found = 0;
  const look = async (at: Oid): Promise<void> => {
    const [state] = await statesOf(clone, NS, at, [HOT]);
    const [blob] = state ? await clone.store.read([state.meta]) : [null];
    wanted = blob ? decodeMetadata(blob.body, HOT).txn : null;
  };
  await inBatches(ledger, async (oids) => {
    for (const { oid, trailers, commit } of await openAll(clone, oids)) {
      const [parent] = commit.parents;
      if (start) await look(oid);
      start = false;
      if (wanted === null) {
        // Deleted: nothing says where, so that each commit's trees must be looked at.
        if (parent === undefined) continue;
        await look(parent);
        if (wanted !== null) found++;
      } else if (trailers.txn === wanted) {
        found++;
        if (parent === undefined) continue;
        await look(parent);
      }
    }
  });
  expectChanges(found, 'walk of hops');
}

async function inBatches(ledger: Ledger, take: (oids: readonly Oid[]) => Promise<void>): Promise<void> {
  let oids: Oid[] = [];
  for await (const oid of ledger.store.history({ tip: tipOf(ledger) })) {
    oids.push(oid);
    if (oids.length < 500) continue;
    await take(oids);
    oids = [];
  }
  if (oids.length > 0) await take(oids);
}

const tipOf = ({ commits }: Ledger): Oid => commits.at(-1)?.oid ?? '';
const FRESH = { readFrom: 'mirror', offline: true } as const;

async function history(ledger: Ledger): Promise<void> {
  let found = 0;
  for await (const _ of keyHistory(cloneOf(ledger), { ns: NS, key: HOT, ...FRESH })) found++;
  expectChanges(found, 'history');
}

async function measure(count: number): Promise<{ tables: Table[]; notes: Record<string, unknown> }> {
  const ledger = await createLedger(count);
  const runs = count >= 10_000 ? 5 : 15;
  const all = pathsOf(NS, placeOf(HOT, nodeHasher()));
  const clone = cloneOf(ledger);
  const read = (at: string) => (): Promise<unknown> => readKeyAt(clone, { ns: NS, key: HOT, allowExpired: false, at, ...FRESH });
  const middle = ledger.commits[count / 2 + 1] as Ledger['commits'][number];
  const [first] = ledger.commits as [Ledger['commits'][number]];
  try {
    await revList(ledger, [PATH])(); // the disk's cache
    const plain = await repeat('git rev-list -- path, as it is', runs, revList(ledger, [PATH]));
    const plainUse = await repeat('history, as it is', runs, () => history(ledger));
    const trees = await repeat('JavaScript: trees of every commit, in batches', Math.min(runs, 5), () => walkTrees(ledger));
    const hops = await repeat('JavaScript: commits only, hopping by KV-Txn', Math.min(runs, 5), () => walkHops(ledger));
    const moments = [
      await repeat('get --at COMMIT (full id)', runs, read(middle.oid)),
      await repeat('get --at COMMIT (abbreviated)', runs, read(middle.oid.slice(0, 12))),
      await repeat('get --at TXN, of the middle', runs, read(middle.txn)),
      await repeat('get --at TIME, of the middle', runs, read(new Date(middle.at).toISOString())),
      await repeat('get --at TXN, the oldest', runs, read(first.txn)),
      await repeat('diff oldest now, by full id', runs, () =>
        diffStates(clone, { ns: NS, from: first.oid, prefix: '', ...FRESH }),
      ),
      await repeat('diff two commits next to each other', runs, () =>
        diffStates(clone, { ns: NS, from: middle.oid, to: ledger.commits[count / 2 + 2]?.oid ?? '', prefix: '', ...FRESH }),
      ),
    ];
    const noFilters = await timed(() => ledger.git('commit-graph', 'write', '--reachable', '--no-progress'));
    const graph = await repeat('git rev-list -- path, commit-graph without filters', runs, revList(ledger, [PATH]));
    rmSync(join(ledger.repository, '.git', 'objects', 'info', 'commit-graph'), { force: true });
    const firstWrite = await timed(() => ledger.store.prepareHistory(tipOf(ledger)));
    const again = await timed(() => ledger.store.prepareHistory(tipOf(ledger)));
    const filters = await repeat('git rev-list -- path, changed-path filters', runs, revList(ledger, [PATH]));
    const three = await repeat(
      'git rev-list -- three paths, changed-path filters',
      runs,
      revList(ledger, [all.data, all.manifest, all.meta]),
    );
    const filtersUse = await repeat('history, changed-path filters', runs, () => history(ledger));
    const byId = await repeat('get --at COMMIT (full id), commit-graph', runs, read(middle.oid));
    const title = `${count.toLocaleString('en')} commits`;
    return {
      tables: [
        {
          title: `${title}: the ten that changed a key`,
          rows: [plain, graph, filters, three, trees, hops, plainUse, filtersUse],
        },
        { title: `${title}: states of the past`, rows: [...moments, byId] },
      ],
      notes: {
        [`${title}: commit-graph without filters, ms`]: round(noFilters),
        [`${title}: commit-graph with filters, ms`]: round(firstWrite),
        [`${title}: the same again, ms`]: round(again),
      },
    };
  } finally {
    await ledger.remove();
  }
}

const tables: Table[] = [];
const notes: Record<string, unknown> = { ref: ledgerRef(NS) };
for (const size of SIZES) {
  const measured = await measure(size);
  tables.push(...measured.tables);
  Object.assign(notes, measured.notes);
}
reportAll('history', tables, notes);
