import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { EtcdMembers } from './cluster/etcd-members.js';
import { catchUp, doubt, takeover } from './cluster/faults.js';
import { inTurn, rateOf, type Side } from './cluster/in-turn.js';
import { Links } from './cluster/links.js';
import { Place } from './cluster/place.js';
import { quantile, reportAll, type Row, round, type Sheet } from './report.js';
import { EtcdPuts } from './streams/etcd-puts.js';

/**
 * node dist/bench/cluster.js [--runs N] [--trials N] [--behind N] [--most SERVERS]
 * Writes of one key with one server in no cluster, and with clusters of one, three and five, each server a process of this machine, with 0, 1
 * and 2 ms of round trip more than loopback's between them, to a sequenced namespace over one stream and to a linear one from one clone;
 * beside `put` of an etcd of one member and of three. Then what a cluster of three takes to get over its leader, over doubt, and over having
 * been away. `--trials 30` and `--behind 10000` are for a quiet machine.
 */
const { values: options } = parseArgs({
  options: {
    runs: { type: 'string', default: '60' },
    trials: { type: 'string', default: '3' },
    behind: { type: 'string', default: '1000' },
    most: { type: 'string', default: '5' },
  },
});
const [runs, trials, behind, most] = [options.runs, options.trials, options.behind, options.most].map(Number) as [
  number,
  number,
  number,
  number,
];
const CROWD = 64;
const DELAYS = [0, 1, 2];
const LARGE = 400 * 1024;

/** A side for each delay; servers that have no peers have none. */
function sidesOf(what: string, servers: number, links: Links, write: Side['write']): Side[] {
  return (servers > 1 ? DELAYS : [0]).map((ms) => ({
    what: servers > 1 ? `${what}, ${ms} ms` : what,
    begin: () => {
      links.delay = ms;
    },
    write,
  }));
}

const named = (servers: number): string => (servers === 1 ? 'a cluster of 1' : `a cluster of ${servers}`);
const percentiles = (title: string, rows: readonly Row[]): Sheet => ({
  title,
  columns: ['p50 ms', 'p95 ms', 'p99 ms', 'of one server'],
  rows: rows.map(({ what, samples }) => {
    const alone = rows.find((row) => row.what === ALONE) ?? rows[0];
    const [p50 = 0, p95 = 0, p99 = 0] = [0.5, 0.95, 0.99].map((q) => quantile(samples, q));
    return [what, round(p50), round(p95), round(p99), round(p50 / quantile(alone?.samples ?? [], 0.5), 2)];
  }),
});
const summary = (what: string, samples: readonly number[]): [string, ...(string | number)[]] => [
  what,
  samples.length,
  round(quantile(samples, 0.5) / 1000, 2),
  round(Math.max(...samples) / 1000, 2),
];
async function repeated(times: number, what: () => Promise<number>): Promise<number[]> {
  const samples: number[] = [];
  for (let at = 0; at < times; at++) samples.push(await what());
  return samples;
}

const ALONE = 'one server, no cluster';
const closing: (() => Promise<unknown> | unknown)[] = [];
async function closeAll(): Promise<void> {
  for (let close = closing.pop(); close !== undefined; close = closing.pop()) await close();
}
try {
  const sequenced: Side[] = [];
  const linear: Side[] = [];
  const crowds: Side[] = [];
  for (const members of [1, 3]) {
    const links = new Links();
    closing.push(() => links.close());
    const etcd = await EtcdMembers.start(members, links);
    closing.push(() => etcd.stop());
    const puts = new EtcdPuts(etcd.url);
    closing.push(() => puts.close());
    const sides = sidesOf(`etcd, ${members === 1 ? 'one member' : `${members} members`}, put`, members, links, (at) =>
      puts.put(`k${at}`, 'value'),
    );
    sequenced.push(...sides);
    crowds.push(...sides.slice(0, 1));
  }
  for (const servers of [0, 1, 3, 5]) {
    if (servers > most) continue;
    const place = await Place.open(Math.max(1, servers), { alone: servers === 0 });
    closing.push(() => place.close());
    const what = servers === 0 ? ALONE : named(servers);
    const stream = await place.stream();
    closing.push(() => stream.close());
    const sides = sidesOf(what, servers, place.links, (at) => stream.set(`k:${at}`, 'value'));
    sequenced.push(...sides);
    crowds.push(...sides.slice(0, 1));
    const clone = await place.clone();
    closing.push(() => clone.close());
    linear.push(...sidesOf(what, servers, place.links, (at) => clone.set(`k:${at}`, `value ${at}`)));
  }
  const streamed = await inTurn(sequenced, runs);
  const pushed = await inTurn(linear, Math.ceil(runs / 2));
  const rates: [string, number][] = [];
  for (const side of crowds) rates.push([side.what, await rateOf(side, 5 * runs, CROWD)]);
  const sheets: Sheet[] = [
    percentiles('Sequenced, over one stream', streamed),
    percentiles('Linear, from one clone', pushed),
    { title: `Sequenced, ${CROWD} at a time`, columns: ['writes/s'], rows: rates },
  ];
  await closeAll();
  const place = await Place.open(3);
  closing.push(() => place.close());
  const writer = await place.stream();
  const acks: Row[] = [];
  for (const ack of ['leader', 'standby', 'quorum'] as const) {
    await place.ack(ack);
    acks.push(...(await inTurn([{ what: `ack: ${ack}`, write: (at) => writer.set(`a:${at}`, ack) }], Math.ceil(runs / 2))));
  }
  sheets.push(percentiles('A cluster of 3, sequenced: what a write waits for', acks));
  let at = 0;
  const doubts = await repeated(trials, () => doubt(place, () => writer.set(`d:${at++}`, 'value')));
  const lagged = await catchUp(place, behind, 0, (key) => writer.set(`b:${key}`, 'value'));
  const large = await catchUp(place, Math.ceil(behind / 10), LARGE, (key) => writer.set(`l:${key}`, randomBytes(LARGE)));
  await writer.close();
  await closeAll();
  const brief = await Place.open(3, { ttl: 2 });
  closing.push(() => brief.close());
  const killed = await repeated(trials, () => takeover(brief, 'SIGKILL'));
  const paused = await repeated(trials, () => takeover(brief, 'SIGSTOP'));
  sheets.push(
    {
      title: 'A cluster of 3, lock ttl 2 s',
      columns: ['trials', 'p50 s', 'max s'],
      rows: [
        summary('leader killed: until another leads', killed),
        summary('leader paused: until another leads', paused),
        summary('decision log stood still: until whoever decides is out of doubt', doubts),
      ],
    },
    {
      title: 'A server that was away comes level',
      columns: ['transactions', 'MiB', 's', 'a second', 'leader MiB', 'its own MiB at most'],
      rows: [
        [
          'small values',
          ...[
            lagged.transactions,
            0,
            round(lagged.seconds, 2),
            `${Math.round(lagged.transactions / lagged.seconds)} transactions`,
          ],
          ...[lagged.leader, lagged.behind],
        ],
        [
          'large values',
          ...[
            large.transactions,
            round(large.mebibytes),
            round(large.seconds, 2),
            `${round(large.mebibytes / large.seconds)} MiB`,
          ],
          ...[large.leader, large.behind],
        ],
      ],
    },
  );
  reportAll('cluster', [], { machine: 'noisy: other work ran beside' }, sheets, { runs, trials, streamed, pushed });
} finally {
  await closeAll();
}
