import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decodeCommit } from '../domain/git/commit.js';
import { appendEvents } from '../domain/ledger/transaction/watchlog.js';
import type { Base } from '../domain/ledger/transaction/transaction.js';
import { Forge } from '../test/robustness/forge.js';
import { World } from '../test/support/worlds/world.js';
import { report, type Row, timed } from './report.js';

/**
 * The time to accept a one-key transaction, as the pusher sees it: `git push` of ledger and index to a Stargate (which adds
 * its watchlog), beside the same push of three refs to a plain bare repository over the same SSH server.
 * `node dist/bench/gateway.js [PUSHES]`
 */
const PUSHES = Number(process.argv[2] ?? 60);
const WARM_UP = 5;

const world = await World.create();
const plainRepo = join(world.dir, 'plain.git');
await world.git(world.dir, 'ada', ['init', '-q', '--bare', plainRepo]);
const server = spawn(
  process.execPath,
  [
    fileURLToPath(new URL('./plain-server.js', import.meta.url)),
    plainRepo,
    join(world.repo, '.stargate', 'ssh_host_ed25519_key'),
  ],
  {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: world.env('ada'),
  },
);
try {
  const [line] = (await once(server.stdout.setEncoding('utf8'), 'data')) as [string];
  const plainUrl = `ssh://git@127.0.0.1:${line.trim()}/plain.git`;
  await world.clone('ada');
  const seeded = Array.from({ length: 1000 }, (_, i) =>
    JSON.stringify({ op: 'set', key: `user:${i}`, value: `value ${i}` }),
  ).join('\n');
  const mset = await world.kv('ada', ['mset', '--file', '-'], { input: seeded });
  if (mset.code !== 0) throw new Error(mset.stderr);
  const forge = await Forge.open(world, 'ada');
  const steps = await chain(forge, PUSHES + WARM_UP);
  // Both start from the same seeded state.
  await forge.push(['push', '-q', plainUrl, 'refs/kv/main', 'refs/kv-index/main']);
  const stargate: number[] = [];
  const plain: number[] = [];
  for (const [i, { ledger, index, event }] of steps.entries()) {
    const refs = [`${ledger}:refs/kv/main`, `${index}:refs/kv-index/main`];
    const toStargate = async (): Promise<void> => {
      const ms = await timed(async () => must(await forge.push(['push', '-q', '--atomic', world.pushUrl, ...refs])));
      if (i >= WARM_UP) stargate.push(ms);
    };
    const toPlain = async (): Promise<void> => {
      const ms = await timed(async () =>
        must(await forge.push(['push', '-q', '--atomic', plainUrl, ...refs, `${event}:refs/kv-watchlog/main`])),
      );
      if (i >= WARM_UP) plain.push(ms);
    };
    // Turn and turn about, so that a noisy machine is noisy for both.
    await (i % 2 === 0 ? toPlain().then(toStargate) : toStargate().then(toPlain));
  }
  await forge.close();
  const metrics = await (await fetch(`${world.http}/metrics`)).text();
  const inside = metrics
    .split('\n')
    .filter((text) => /^stargate_txn_latency_seconds_(sum|count)/.test(text))
    .map((text) => Number(text.split(' ').pop()));
  const rows: Row[] = [
    { what: 'git push of three refs, plain repository', samples: plain },
    { what: 'git push of one transaction, Stargate', samples: stargate },
  ];
  report('gateway', 'Accepting a one-key transaction (1,000 keys in the namespace)', rows, {
    'validation and commit inside the Stargate, mean ms': Math.round(((inside[0] ?? 0) / (inside[1] ?? 1)) * 10_000) / 10,
  });
} finally {
  server.kill();
  await world.close();
}

/** Transactions built one on another beforehand, so that the pushes alone are timed. */
async function chain(forge: Forge, length: number): Promise<{ ledger: string; index: string; event: string }[]> {
  const out: { ledger: string; index: string; event: string }[] = [];
  let base: Base = await forge.base();
  let tip: string | null = null;
  for (let i = 0; i < length; i++) {
    const made = await forge.forge({ base, operations: [forge.set(`user:${i % 1000}`, `changed ${i}`)] });
    const [top, below] = await forge.store.read([made.ledger, made.index]);
    const format = forge.store.objectFormat;
    const tree = (body: Uint8Array | undefined): string => decodeCommit(body ?? new Uint8Array(), '', format).tree;
    base = {
      ...base,
      ledger: { commit: made.ledger, tree: tree(top?.body) },
      index: { commit: made.index, tree: tree(below?.body) },
    };
    const event = {
      v: 1,
      ns: 'main',
      epoch: base.epoch,
      oid: made.ledger,
      txn: '01KDYF0000ABCDEFGHJKMNPQRS',
      received: new Date().toISOString(),
      signer: 'ada',
      set: 1,
      del: 0,
      parentEpoch: null,
    } as const;
    const commits = appendEvents(forge.namer, tip, [event]);
    await forge.store.write([...commits, forge.namer.object('tree', new Uint8Array(0))]);
    tip = commits[0]?.oid ?? null;
    out.push({ ...made, event: tip as string });
  }
  return out;
}

function must(ran: { code: number; stderr: string }): void {
  if (ran.code !== 0) throw new Error(ran.stderr);
}
