import { spawnSync } from 'node:child_process';
import { readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createCorpus, keyAt, NOW } from './corpus.js';
import { changeOf, linesOf, operationsOf } from './mset/change.js';
import { type Built, buildAndWrite } from './mset/client.js';
import { importStream } from './mset/fast-import.js';
import { quantile, report, round } from './report.js';

/**
 * node dist/bench/mset.js [--runs N] [--keys N]
 * An `mset` of 10,000 sets and 5,000 deletions on 100,000 keys, beside `git fast-import` of the same change to ledger and
 * index. Every run of every side starts from its own copy of one repository and has fresh values; the trees must be equal.
 */
const { values: options } = parseArgs({
  options: { runs: { type: 'string', default: '9' }, keys: { type: 'string', default: '100000' } },
});
const runs = Number(options.runs);
const count = Number(options.keys);
const BUILD = fileURLToPath(new URL('..', import.meta.url));
const CLI = join(BUILD, '..', 'bin', 'git-kv.js');

const corpus = await createCorpus(count);
const { folder, env, base } = corpus;
const before = Array.from({ length: count }, (_, i) => keyAt(i));
const times = {
  imported: [] as number[],
  importedFast: [] as number[],
  warm: [] as Built[],
  fresh: [] as Built[],
  process: [] as number[],
  command: [] as number[],
};
const packs = { imported: [] as number[], importedFast: [] as number[], client: [] as number[] };

/** Runs one side on its own copy. */
async function onCopy<T>(work: (repository: string) => T | Promise<T>): Promise<T> {
  const repository = corpus.copy();
  try {
    return await work(repository);
  } finally {
    rmSync(repository, { recursive: true, force: true });
  }
}

function spawned(command: string, args: readonly string[], cwd: string, input?: string | Buffer): { ms: number; stdout: string } {
  const start = performance.now();
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, env, input: input ?? '', maxBuffer: 1 << 28 });
  const ms = performance.now() - start;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}${error?.message ?? ''}`);
  return { ms, stdout: stdout.toString('utf8') };
}

const packBytes = (repository: string): number => {
  const packFolder = join(repository, '.git', 'objects', 'pack');
  return readdirSync(packFolder)
    .filter((name) => name.endsWith('.pack'))
    .reduce((sum, name) => sum + statSync(join(packFolder, name)).size, 0);
};
const basePack = packBytes(corpus.repository);

for (let run = 0; run < runs; run++) {
  const change = changeOf(count, run + 1);
  const operations = operationsOf(change, NOW);
  const trees = (repository: string, ledger: string, index: string): string =>
    corpus.git(repository, 'rev-parse', `${ledger}^{tree}`, `${index}^{tree}`);
  const fastImport = (config: readonly string[], flags: readonly string[], ms: number[], bytes: number[]): Promise<string> =>
    onCopy((repository) => {
      const refs = { ledger: 'refs/bench/ledger', index: 'refs/bench/index' };
      const stream = importStream(base, before, operations, refs);
      const fsync = ['-c', 'core.fsync=pack,pack-metadata', '-c', 'core.fsyncMethod=fsync'];
      ms.push(spawned('git', [...fsync, ...config, 'fast-import', ...flags], repository, stream).ms);
      bytes.push(packBytes(repository) - basePack);
      return trees(repository, refs.ledger, refs.index);
    });
  const sides: (() => Promise<string | null>)[] = [
    () => fastImport([], ['--quiet', '--done'], times.imported, packs.imported),
    // Its default looks for deltas and deflates harder than the client does: this asks it for neither.
    () => fastImport(['-c', 'pack.compression=1'], ['--quiet', '--done', '--depth=0'], times.importedFast, packs.importedFast),
    () =>
      onCopy(async (repository) => {
        const built = await buildAndWrite(folder, repository, env, base, operations);
        times.warm.push(built);
        packs.client.push(packBytes(repository) - basePack);
        return trees(repository, built.ledger, built.index);
      }),
    () =>
      onCopy((repository) => {
        const job = join(folder, 'job.json');
        writeFileSync(job, JSON.stringify({ folder, repository, env, base, count, generation: run + 1 }));
        const { ms, stdout } = spawned(process.execPath, [join(BUILD, 'bench', 'mset', 'client-process.js'), job], repository);
        const built = JSON.parse(stdout) as Built;
        times.process.push(ms);
        times.fresh.push(built);
        return trees(repository, built.ledger, built.index);
      }),
    () =>
      onCopy((repository) => {
        times.command.push(spawned(process.execPath, [CLI, 'mset', '--file', '-'], repository, linesOf(change)).ms);
        return null; // its metadata has the time of day, so its trees are its own
      }),
  ];
  // Each run begins with another side, so that a noisy machine is noisy for all.
  const order = sides.map((_, i) => sides[(i + run) % sides.length] as () => Promise<string | null>);
  const seen = new Set<string>();
  for (const side of order) {
    const result = await side();
    if (result !== null) seen.add(result);
  }
  if (seen.size !== 1) throw new Error(`run ${run}: the trees differ:\n${[...seen].join('\n')}`);
}
corpus.remove();

const median = (samples: readonly number[]): number => round(quantile(samples, 0.5));
report(
  'mset',
  `An mset of 10,000 sets and 5,000 deletions on ${count.toLocaleString('en')} keys`,
  [
    { what: 'git fast-import of the same change (no signature)', samples: times.imported },
    { what: 'git fast-import --depth=0, pack.compression=1', samples: times.importedFast },
    { what: 'client build, sign, write: a process that has done it before', samples: times.warm.map(({ ms }) => ms) },
    { what: 'client build, sign, write: in a new process', samples: times.fresh.map(({ ms }) => ms) },
    { what: '… with starting that process, and making 15,000 operations', samples: times.process },
    { what: 'git kv mset, whole: JSONL, checks, sign, write, refs', samples: times.command },
  ],
  {
    'same trees in every run': true,
    'new process, ms': {
      build: median(times.fresh.map(({ named }) => named)),
      sign: median(times.fresh.map(({ named, signed }) => signed - named)),
      write: median(times.fresh.map(({ ms, signed }) => ms - signed)),
    },
    'pack, kB': {
      'fast-import': round(quantile(packs.imported, 0.5) / 1000),
      'fast-import, no deltas': round(quantile(packs.importedFast, 0.5) / 1000),
      client: round(quantile(packs.client, 0.5) / 1000),
    },
    fsync: 'both sync pack and pack index (fast-import with core.fsync=pack,pack-metadata); the client syncs the folder too',
  },
);
