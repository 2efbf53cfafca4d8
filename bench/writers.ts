import { readFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { twoLedgers } from '../test/chaos/memory-run.js';
import { World } from '../test/support/worlds/world.js';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { quantile, reportAll, type Sheet, type Table, timed } from './report.js';

/**
 * Many writers at once: each is a shell that runs `git kv set` of a key of its own, some times in a row, in a clone of its own, all
 * against one Stargate, of a linear and of a sequenced ledger. `node dist/bench/writers.js [WRITERS,…] [WRITES]`
 */
const CROWDS = (process.argv[2] ?? '1,4,16').split(',').map(Number);
const WRITES = Number(process.argv[3] ?? 8);
/** The namespaces, each with the mode of its ledger. */
const LEDGERS = [
  { ns: 'main', mode: 'linear' },
  { ns: 'seq', mode: 'sequenced' },
] as const;
/** Writes of one writer alone. */
const ALONE = 11;
/** What `/proc/PID/stat` counts in. */
const TICKS_PER_S = 100;

/** One writer's run: milliseconds of each write, how many failed, processor seconds of all its processes. */
interface Run {
  readonly ms: readonly number[];
  readonly failed: readonly string[];
  readonly cpu: number;
}

const LOOP = `i=0
while [ $i -lt "$2" ]; do
  begun=$(date +%s%N)
  git kv set --ns "$4" "job:$1" "$i" >/dev/null 2>"$3" || { printf 'failed '; head -c 300 "$3" | tr '\\n' ' '; echo; }
  echo $((($(date +%s%N) - begun) / 1000000))
  i=$((i + 1))
done
times > "$3"
tail -1 "$3"`;

const world = await World.create({ policy: twoLedgers });
try {
  await world.clone('ada', 'first');
  const seed = Array.from({ length: 1000 }, (_, i) => JSON.stringify({ op: 'set', key: `user:${i}`, value: `v${i}` })).join('\n');
  for (const { ns } of LEDGERS) {
    const seeded = await world.kv('first', ['mset', '--file', '-', '--ns', ns], { person: 'ada', input: seed });
    if (seeded.code !== 0) throw new Error(seeded.stderr);
  }
  await world.mirrored();
  const most = Math.max(...CROWDS);
  for (let i = 0; i < most; i++) await world.clone('ada', `job${i}`);
  const rows: [string, ...(string | number)[]][] = [];
  for (const crowd of CROWDS) for (const ledger of LEDGERS) rows.push(await measure(crowd, ledger));
  const columns = ['writes/s', 'p50 ms', 'p95 ms', 'slowest ms', 'failed', 'CPU s a write'];
  const sheet: Sheet = { title: `writers, ${WRITES} writes each`, columns, rows };
  reportAll('writers', [await beside()], {}, [sheet]);
} finally {
  await world.close();
}

/** One writer alone, beside a signed commit of one file that is pushed to a plain repository behind the same SSH server, in turns. */
async function beside(): Promise<Table> {
  const plainRepo = join(world.dir, 'plain.git');
  await world.git(world.dir, 'ada', ['init', '-q', '--bare', plainRepo]);
  const hostKey = join(world.repo, '.stargate', 'ssh_host_ed25519_key');
  const program = [fileURLToPath(new URL('./plain-server.js', import.meta.url)), plainRepo, hostKey];
  const server = spawn(process.execPath, program, { stdio: ['ignore', 'pipe', 'inherit'], env: world.env('ada') });
  try {
    const [line] = (await once(server.stdout.setEncoding('utf8'), 'data')) as [string];
    const url = `ssh://git@127.0.0.1:${line.trim()}/plain.git`;
    const cwd = await world.clone('ada', 'beside');
    const plain = `echo "$1" >file; git add file; git commit -q -S -m "$1"; git push -q "$2" HEAD:refs/heads/main`;
    const set = (ns: string, value: string) => world.kv('beside', ['set', 'one', value, '--ns', ns], { person: 'ada' });
    const samples: { git: number[]; main: number[]; seq: number[] } = { git: [], main: [], seq: [] };
    for (let i = 0; i < ALONE + 1; i++) {
      const git = await timed(() => must(world.run('sh', ['-ec', plain, 'sh', String(i), url], { cwd, env: world.env('ada') })));
      const kv = { main: 0, seq: 0 };
      for (const { ns } of LEDGERS) kv[ns] = await timed(() => must(set(ns, String(i))));
      if (i === 0) continue; // of all of them, the first makes more
      samples.git.push(git);
      for (const { ns } of LEDGERS) samples[ns].push(kv[ns]);
    }
    const rows = [
      { what: 'git add, git commit -S, git push, plain repository', samples: samples.git },
      ...LEDGERS.map(({ ns, mode }) => ({ what: `git kv set, ${mode} ledger`, samples: samples[ns] })),
    ];
    return { title: 'One writer alone, whole processes', rows };
  } finally {
    server.kill();
  }
}

async function must(running: ReturnType<World['run']>): Promise<void> {
  const { code, stderr } = await running;
  if (code !== 0) throw new Error(stderr);
}

async function measure(crowd: number, { ns, mode }: (typeof LEDGERS)[number]): Promise<[string, ...(string | number)[]]> {
  const daemon = daemonCpu();
  const begun = performance.now();
  const runs = await Promise.all(Array.from({ length: crowd }, (_, i) => job(i, ns)));
  const seconds = (performance.now() - begun) / 1000;
  const ms = runs.flatMap((run) => run.ms);
  const failed = runs.flatMap((run) => run.failed);
  for (const text of failed.slice(0, 3)) console.error(text);
  const cpu = (runs.reduce((sum, run) => sum + run.cpu, 0) + daemonCpu() - daemon) / ms.length;
  const times = [quantile(ms, 0.5), quantile(ms, 0.95), Math.max(...ms)];
  return [`${crowd}, ${mode}`, (ms.length / seconds).toFixed(2), ...times, failed.length, cpu.toFixed(2)];
}

async function job(i: number, ns: string): Promise<Run> {
  const cwd = world.clonePath(`job${i}`);
  const child = spawn('bash', ['-c', LOOP, 'job', String(i), String(WRITES), `${cwd}/.git/said`, ns], {
    ...{ cwd, env: world.env('ada') },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  await once(child, 'close');
  const lines = out.trim().split('\n');
  const cpu = (lines.at(-1)?.match(/[\d.]+(?=s)|\d+(?=m)/g) ?? []).map(Number);
  const [um = 0, us = 0, sm = 0, ss = 0] = cpu;
  return {
    ms: lines.filter((line) => /^\d+$/.test(line)).map(Number),
    failed: lines.filter((line) => line.startsWith('failed ')),
    cpu: 60 * (um + sm) + us + ss,
  };
}

/** Processor seconds of the daemon and of all that it has waited for. */
function daemonCpu(): number {
  const stat = readFileSync(`/proc/${world.pid}/stat`, 'utf8');
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  return fields.slice(11, 15).reduce((sum, ticks) => sum + ticks, 0) / TICKS_PER_S;
}
