import { mkdirSync, symlinkSync } from 'node:fs';
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { cloneFromMirror, fillLedger, keyOf, must, traced } from '../test/e2e/readers/promisor.js';
import { World } from '../test/support/worlds/world.js';
import { quantile, reportAll, round } from './report.js';

/**
 * node dist/bench/partial.js [--runs N] [--keys N] [--before FOLDER]
 * Each command in a fresh clone without blobs, beside the same in a fresh complete one: wall time of the process, and how often git
 * went to the mirror for objects. FOLDER is the bin folder of an earlier build, to be measured beside this one.
 */
const { values: options } = parseArgs({
  options: { runs: { type: 'string', default: '3' }, keys: { type: 'string', default: '500' }, before: { type: 'string' } },
});
const RUNS = Number(options.runs);
const KEYS = Number(options.keys);
const COMMITS = 30;
const LARGE = 10_000_000;

/** A command that takes longer is ended (by the world), ms. */
const PATIENCE = 120_000;

/** What stands in the table for a transaction's id. */
const names = new Map<string, string>();

interface Measured {
  readonly ms: number;
  readonly fetches: number;
  /** It was ended: both figures are the least that it would have been. */
  readonly ended: boolean;
}

const world = await World.create();
try {
  await fillLedger(world, 'ada', { keys: KEYS, commits: COMMITS, large: LARGE });
  await cloneFromMirror(world, 'ada', 'complete');
  await cloneFromMirror(world, 'ada', 'blobless', 'blob:none');
  for (const clone of ['complete', 'blobless']) await world.kv(clone, ['get', 'no:such'], { person: 'ada' }); // knows the ledger now
  const path = await pathWith(options.before);
  const rows: { what: string; complete: Measured; before: Measured | null; blobless: Measured }[] = [];
  for (const args of await commands()) {
    const complete = await measure('complete', args, RUNS);
    const before = path === undefined ? null : await measure('blobless', args, 1, path);
    const blobless = await measure('blobless', args, RUNS);
    rows.push({ what: shown(args), complete, before, blobless });
  }
  const past = options.before !== undefined;
  const columns = ['complete, ms', ...(past ? ['blobless before, ms', 'fetches'] : []), 'blobless, ms', 'fetches'];
  const sheet = {
    title: `${KEYS} keys, ${COMMITS + 3} transactions, one value of ${LARGE / 1e6} MB`,
    columns,
    rows: rows.map(({ what, complete, before, blobless }): [string, ...(string | number)[]] => [
      ...([what, complete.ms] as const),
      ...(before === null ? [] : spell(before)),
      ...spell(blobless),
    ]),
  };
  reportAll('partial', [], { 'runs each': RUNS, ...(past ? { 'runs before': 1 } : {}) }, [sheet]);
} finally {
  await world.close();
}

/** What is run; the first transaction set all keys, the last one the large value. */
async function commands(): Promise<string[][]> {
  const history = async (key: string): Promise<string[]> => {
    const { stdout } = await must(world.kv('ada', ['history', key, '--json']), 'history');
    return (JSON.parse(stdout) as { history: { txn: string }[] }).history.map(({ txn }) => txn);
  };
  const first = (await history(keyOf(1)))[0] as string;
  const later = (await history(keyOf(0)))[0] as string;
  names.set(first, 'FIRST').set(later, 'LATER');
  return [
    ['get', keyOf(1)],
    ['get', 'large', '--output', 'large.bin'],
    ['get', keyOf(0), '--at', first],
    ['list'],
    ['list', '--long'],
    ['blame'],
    ['history', keyOf(0)],
    ['diff', first],
    ['snapshot', '--export', 'all.jsonl'],
    ['watch', '--since', 'oldest', '--once'],
    ['verify'],
    ['revert', later, '--dry-run'],
    ['revert', first, '--dry-run'],
    ['restore', '--prefix', 'user:', '--at', first, '--dry-run'],
    ['set', keyOf(1), 'new', '--dry-run'],
    ['mset', '--file', '-', '--dry-run'],
  ];
}

async function measure(from: string, args: readonly string[], runs: number, path?: string): Promise<Measured> {
  const samples: number[] = [];
  const fetches: number[] = [];
  for (let run = 0; run < runs; run++) {
    const name = `${from}-run`;
    await cp(world.clonePath(from), world.clonePath(name), { recursive: true });
    const input = args[0] === 'mset' ? batch() : '';
    const ran = await traced(world, name, args, { person: 'ada', input, ...(path === undefined ? {} : { env: { PATH: path } }) });
    const ended = ran.ms >= PATIENCE;
    if (![0, 2].includes(ran.code) && !ended) throw new Error(`${shown(args)} in the ${from} clone: ${ran.code}\n${ran.stderr}`);
    samples.push(ran.ms);
    fetches.push(ran.fetches);
    await rm(world.clonePath(name), { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    if (ended) return { ms: PATIENCE, fetches: ran.fetches, ended };
  }
  return { ms: round(quantile(samples, 0.5)), fetches: quantile(fetches, 0.5), ended: false };
}

function batch(): string {
  return Array.from({ length: KEYS }, (_, i) => JSON.stringify({ op: 'set', key: keyOf(i), value: `another ${i}` })).join('\n');
}

async function pathWith(folder: string | undefined): Promise<string | undefined> {
  if (folder === undefined) return undefined;
  const bin = join(world.dir, 'before');
  mkdirSync(bin);
  symlinkSync(join(folder, 'git-kv.js'), join(bin, 'git-kv'));
  return `${bin}:${world.env('ada')['PATH']}`;
}

function shown(args: readonly string[]): string {
  return args.map((arg) => names.get(arg) ?? arg).join(' ');
}

function spell({ ms, fetches, ended }: Measured): (string | number)[] {
  return ended ? [`over ${ms}`, `over ${fetches}`] : [ms, fetches];
}
