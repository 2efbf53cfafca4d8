import { spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openGitStore } from '../adapters/git-cli/open.js';
import { nodeHasher } from '../adapters/hasher-node/open.js';
import { pathsOf, placeOf } from '../domain/ledger/paths.js';
import { listPointers } from '../domain/index/list.js';
import { type Corpus, createCorpus, keyAt, NS, valueAt } from './corpus.js';
import { quantile, reportAll, type Row, round, type Table } from './report.js';

/**
 * node dist/bench/read.js [--runs N] [--full]
 * `get` and `list --prefix` as whole processes, beside git's own; and prefix listings in one process whose git is warm.
 * 100,000 keys; with --full also 1,000,000.
 */
const { values: options } = parseArgs({
  options: { runs: { type: 'string', default: '31' }, full: { type: 'boolean', default: false } },
});
const runs = Number(options.runs);
const CLI = fileURLToPath(new URL('../../bin/git-kv.js', import.meta.url));
const WARM_UP = 2;
const PAGE = 1000;

interface Side {
  readonly what: string;
  readonly command: string;
  readonly args: readonly string[];
  /** What the output must be, or how many lines it must have. */
  readonly gives: string | number;
}

/** Runs every side once a round, each round beginning with another. */
function sideBySide(corpus: Corpus, sides: readonly Side[], rounds: number): Row[] {
  const rows = sides.map(({ what }) => ({ what, samples: [] as number[] }));
  for (let round = -WARM_UP; round < rounds; round++) {
    for (let i = 0; i < sides.length; i++) {
      const at = (i + round + WARM_UP) % sides.length;
      const ms = run(corpus, sides[at] as Side);
      if (round >= 0) rows[at]?.samples.push(ms);
    }
  }
  return rows;
}

function run({ repository, env }: Corpus, { what, command, args, gives }: Side): number {
  const start = performance.now();
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: repository, env, maxBuffer: 1 << 28 });
  const ms = performance.now() - start;
  const text = stdout.toString('utf8');
  const right = typeof gives === 'string' ? text === gives : text.split('\n').length - 1 === gives;
  if (status !== 0 || !right) throw new Error(`${what}: status ${status}, ${text.length} characters\n${stderr}`);
  return ms;
}

function gets(corpus: Corpus): Table {
  const at = 42_042;
  const { data } = pathsOf(NS, placeOf(keyAt(at), nodeHasher()));
  const value = valueAt(at);
  const sides = [
    { what: 'node -e 0', command: process.execPath, args: ['-e', '0'], gives: '' },
    { what: 'git show refs/kv/main:PATH', command: 'git', args: ['show', `refs/kv/${NS}:${data}`], gives: value },
    { what: 'git-kv get KEY --offline', command: process.execPath, args: [CLI, 'get', keyAt(at), '--offline'], gives: value },
    { what: 'git kv get KEY --offline, through git', command: 'git', args: ['kv', 'get', keyAt(at), '--offline'], gives: value },
  ];
  return { title: 'One value of 100,000, as whole processes', rows: sideBySide(corpus, sides, runs) };
}

function lists(corpus: Corpus): Table {
  const folders = Array.from({ length: 10 }, (_, i) => `kv/${NS}/index/us/er/:0/04/2${i}`);
  const lsTree = ['ls-tree', '-r', '--name-only', `refs/kv-index/${NS}`];
  const list = [CLI, 'list', '--offline', '--prefix', 'user:0042'];
  const sides = [
    { what: 'git ls-tree -r of the same ten trees', command: 'git', args: [...lsTree, ...folders], gives: PAGE },
    { what: 'git-kv list --prefix --offline', command: process.execPath, args: list, gives: PAGE },
    // A line more: the header.
    { what: 'git-kv list --prefix --offline --long', command: process.execPath, args: [...list, '--long'], gives: PAGE + 1 },
    { what: 'node -e 0', command: process.execPath, args: ['-e', '0'], gives: '' },
  ];
  return { title: '1,000 keys of 100,000 by prefix, as whole processes', rows: sideBySide(corpus, sides, runs) };
}

function listsAll(corpus: Corpus, count: number): Table {
  const lsTree = ['ls-tree', '-r', '--name-only', `refs/kv-index/${NS}`];
  const sides = [
    { what: 'git ls-tree -r of the whole index', command: 'git', args: lsTree, gives: count + 1 },
    { what: 'git-kv list --offline', command: process.execPath, args: [CLI, 'list', '--offline'], gives: count },
  ];
  return { title: `All of ${count.toLocaleString('en')} keys, as whole processes`, rows: sideBySide(corpus, sides, 5) };
}

/** Prefixes spread over the keys, each of 1,000 of them, by one open store. ms each. */
async function warm(corpus: Corpus, count: number): Promise<Row> {
  const store = await openGitStore({ directory: corpus.repository, env: corpus.env });
  const samples: number[] = [];
  const pages = count / PAGE;
  for (let i = -20; i < 200; i++) {
    const prefix = keyAt((((i + 20) * 37) % pages) * PAGE).slice(0, -3);
    const start = performance.now();
    let found = 0;
    for await (const _ of listPointers(store, NS, corpus.base.index?.tree ?? '', { prefix }, 20)) found++;
    if (found !== PAGE) throw new Error(`prefix ${prefix}: ${found} keys`);
    if (i >= 0) samples.push(performance.now() - start);
  }
  await store.close();
  return { what: `1,000 of ${count.toLocaleString('en')} keys`, samples };
}

async function on<T>(count: number, work: (corpus: Corpus) => T | Promise<T>): Promise<T> {
  const corpus = await createCorpus(count);
  const bin = join(corpus.folder, 'bin');
  mkdirSync(bin);
  symlinkSync(CLI, join(bin, 'git-kv'));
  corpus.env['PATH'] = `${bin}:${corpus.env['PATH']}`;
  try {
    return await work(corpus);
  } finally {
    corpus.remove();
  }
}

const small = await on(100_000, async (corpus) => ({ tables: [gets(corpus), lists(corpus)], warm: await warm(corpus, 100_000) }));
const large = options.full
  ? await on(1_000_000, async (corpus) => ({ tables: [listsAll(corpus, 1_000_000)], warm: await warm(corpus, 1_000_000) }))
  : null;
const warmRows = [small.warm, ...(large === null ? [] : [large.warm])];
const [node, , get] = small.tables[0]?.rows ?? [];
reportAll(
  'read',
  [...small.tables, ...(large?.tables ?? []), { title: 'Prefix listings in one process, its git running', rows: warmRows }],
  { 'get over bare node, ms': round(quantile(get?.samples ?? [], 0.5) - quantile(node?.samples ?? [], 0.5)) },
);
