import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Base } from '../domain/ledger/transaction/transaction.js';
import { decodeCommit } from '../domain/git/commit.js';
import { Forge } from '../test/robustness/forge.js';
import { OtlpReceiver } from '../test/support/programs/otlp-receiver.js';
import { ROOT } from '../test/support/root.js';
import { World } from '../test/support/worlds/world.js';
import { report, type Row, timed } from './report.js';

/**
 * The time to accept a one-key transaction, as the pusher sees it, with tracing off, with spans sent to a collector on loopback, and, where
 * BUILD names the folder of a build of before tracing, with that.
 * `node dist/bench/tracing.js [PUSHES] [BUILD]`
 */
const PUSHES = Number(process.argv[2] ?? 60);
const BUILD = process.argv[3] ?? process.env['BENCH_WITHOUT'];
const WARM_UP = 5;

interface Side {
  readonly what: string;
  readonly world: World;
  readonly forge: Forge;
  readonly steps: readonly { ledger: string; index: string }[];
  readonly samples: number[];
}

const receiver = await OtlpReceiver.start();
const sides: Side[] = [];
try {
  if (BUILD !== undefined) {
    const program = join(BUILD, 'bin', 'git-kv-stargate.js');
    sides.push(await side('a build without tracing', { first: `shift 2; set -- node '${program}' "$@"`, more: () => [] }));
  }
  sides.push(await side('tracing off (tracing-none)', { first: ':', more: () => [] }));
  sides.push(
    await side('tracing on (tracing-otel, every push)', {
      first: ':',
      more: (world) => ['--profile', join(world.dir, 'traced.yaml')],
    }),
  );
  for (let i = 0; i < PUSHES + WARM_UP; i++) {
    // Turn and turn about, beginning with another each time, so that a noisy machine is noisy for all.
    for (let k = 0; k < sides.length; k++) {
      const { world, forge, steps, samples } = sides[(i + k) % sides.length] as Side;
      const { ledger, index } = steps[i] as Side['steps'][number];
      const refs = [`${ledger}:refs/kv/main`, `${index}:refs/kv-index/main`];
      const ms = await timed(async () => {
        const ran = await forge.push(['push', '-q', '--atomic', world.pushUrl, ...refs]);
        if (ran.code !== 0) throw new Error(ran.stderr);
      });
      if (i >= WARM_UP) samples.push(ms);
    }
  }
  const rows: Row[] = sides.map(({ what, samples }) => ({ what, samples }));
  const notes: Record<string, number> = {};
  for (const { what, world } of sides) notes[`validation and commit inside the Stargate, mean ms: ${what}`] = await inside(world);
  report('tracing', 'Accepting a one-key transaction, with and without spans', rows, notes);
} finally {
  for (const { world, forge } of sides) {
    await forge.close();
    await world.close();
  }
  await receiver.stop();
}

interface Daemon {
  readonly first: string;
  readonly more: (world: World) => readonly string[];
}

async function side(what: string, { first, more }: Daemon): Promise<Side> {
  const world = await World.create();
  await world.stop();
  const profile = await readFile(join(ROOT, 'apps', 'profiles', 'embedded.yaml'), 'utf8');
  const tracing = `  tracing: { use: tracing-otel, config: { endpoint: '${receiver.url}' } }`;
  await writeFile(join(world.dir, 'traced.yaml'), profile.replace(/^ {2}tracing: .*$/m, tracing));
  await world.start({}, first, more(world));
  await world.clone('ada');
  const seeded = await world.kv('ada', ['set', 'user:0', 'seed']);
  if (seeded.code !== 0) throw new Error(seeded.stderr);
  const forge = await Forge.open(world, 'ada');
  return { what, world, forge, steps: await chain(forge), samples: [] };
}

/** Transactions built one on another beforehand, so that the pushes alone are timed. */
async function chain(forge: Forge): Promise<{ ledger: string; index: string }[]> {
  const made: { ledger: string; index: string }[] = [];
  let base: Base = await forge.base();
  for (let i = 0; i < PUSHES + WARM_UP; i++) {
    const one = await forge.forge({ base, operations: [forge.set(`user:${i % 100}`, `changed ${i}`)] });
    const [ledger, index] = await forge.store.read([one.ledger, one.index]);
    const tree = (body: Uint8Array | undefined): string =>
      decodeCommit(body ?? new Uint8Array(), '', forge.store.objectFormat).tree;
    base = {
      ...base,
      ledger: { commit: one.ledger, tree: tree(ledger?.body) },
      index: { commit: one.index, tree: tree(index?.body) },
    };
    made.push(one);
  }
  return made;
}

async function inside(world: World): Promise<number> {
  const text = await (await fetch(`${world.http}/metrics`)).text();
  const figure = (name: string): number =>
    Number(new RegExp(`^stargate_txn_latency_seconds_${name} (\\S+)`, 'm').exec(text)?.[1]);
  return Math.round((figure('sum') / figure('count')) * 100_000) / 100;
}
