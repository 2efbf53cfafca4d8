import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { EtcdMembers } from './cluster/etcd-members.js';
import { catchUp, doubt, takeover } from './cluster/faults.js';
import { inTurn, rateOf, type Side } from './cluster/in-turn.js';
import { Links } from './cluster/links.js';
import { longAway } from './cluster/long-away.js';
import { Place } from './cluster/place.js';
import { quantile, reportAll, type Row, round, type Sheet } from './report.js';
import { EtcdPuts } from './streams/etcd-puts.js';

/**
 * node dist/bench/cluster.js [--runs N] [--trials N] [--behind N] [--most SERVERS] [--only PART]
 * Writes of one key with one server in no cluster, and with clusters of one, three and five, each server a process of this machine, with 0, 1
 * and 2 ms of round trip more than loopback's between them, to a sequenced namespace over one stream and to a linear one from one clone;
 * beside `put` of an etcd of one member and of three. Then what a cluster of three takes to get over its leader, over doubt, and over having
 * been away. `--trials 30` and `--behind 10000` are for a quiet machine. A part is `writes`, `three` or `takeovers`; where something fails, the
 * rest is shown nevertheless, and the exit code is 1. `--only away --behind 100000` is another part, which nothing but its name begins: what
 * a server that was away for so many transactions takes to come level while writes go on; they are as many as half an hour allows.
 */
const { values: options } = parseArgs({
  options: {
    runs: { type: 'string', default: '60' },
    trials: { type: 'string', default: '3' },
    behind: { type: 'string', default: '1000' },
    most: { type: 'string', default: '5' },
    only: { type: 'string', default: '' },
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
const MOST_AWAY_MS = 30 * 60_000;

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
const sheets: Sheet[] = [];
const data: Record<string, readonly Row[]> = {};
const failed: string[] = [];
/** What fails here is named in the end, and keeps nothing else from being measured and shown. */
async function part(name: string, measure: () => Promise<unknown>): Promise<void> {
  try {
    await measure();
  } catch (error) {
    failed.push(name);
    console.error(`${name} failed: ${error instanceof Error ? error.stack : String(error)}`);
  }
}

/** Writes beside each other: with each number of servers, and in etcd. */
async function writes(): Promise<void> {
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
  await part('sequenced writes', async () => {
    data['streamed'] = await inTurn(sequenced, runs);
    sheets.push(percentiles('Sequenced, over one stream', data['streamed']));
  });
  await part('linear writes', async () => {
    data['pushed'] = await inTurn(linear, Math.ceil(runs / 2));
    sheets.push(percentiles('Linear, from one clone', data['pushed']));
  });
  const rates: [string, number][] = [];
  for (const side of crowds)
    await part(`the rate of ${side.what}`, async () => rates.push([side.what, await rateOf(side, 5 * runs, CROWD)]));
  sheets.push({ title: `Sequenced, ${CROWD} at a time`, columns: ['writes/s'], rows: rates });
}

type SheetRow = Sheet['rows'][number];

/** A cluster of three: how many disks a write waits for, doubt, and a server that was away. */
async function threeServers(faults: SheetRow[]): Promise<void> {
  const place = await Place.open(3);
  closing.push(() => place.close());
  const writer = await place.stream();
  closing.push(() => writer.close());
  await part('how many disks a write waits for', async () => {
    const acks: Row[] = [];
    for (const ack of ['leader', 'standby', 'quorum'] as const) {
      await place.ack(ack);
      acks.push(...(await inTurn([{ what: `ack: ${ack}`, write: (at) => writer.set(`a:${at}`, ack) }], Math.ceil(runs / 2))));
    }
    sheets.push(percentiles('A cluster of 3, sequenced: what a write waits for', acks));
  });
  let at = 0;
  await part('doubt', async () => {
    const samples = await repeated(trials, () => doubt(place, () => writer.set(`d:${at++}`, 'value')));
    faults.push(summary('decision log stood still: until whoever decides is out of doubt', samples));
  });
  const rows: SheetRow[] = [];
  await part('coming level by small values', async () => {
    const {
      transactions,
      seconds,
      fetched,
      lost,
      leader,
      behind: own,
    } = await catchUp(place, behind, 0, (key) => writer.set(`b:${key}`, 'value'));
    const rate = `${Math.round(transactions / seconds)} transactions`;
    rows.push(['small values', transactions, 0, round(seconds, 2), rate, round(fetched, 2), lost, leader, own]);
  });
  await part('coming level by large values', async () => {
    const large = await catchUp(place, Math.ceil(behind / 10), LARGE, (key) => writer.set(`l:${key}`, randomBytes(LARGE)));
    const { transactions, mebibytes, seconds, fetched, lost, leader, behind: own } = large;
    const rate = `${round(mebibytes / seconds)} MiB`;
    rows.push(['large values', transactions, round(mebibytes), round(seconds, 2), rate, round(fetched, 2), lost, leader, own]);
  });
  const columns = ['transactions', 'MiB', 's', 'a second', 'git fetch s', 'taken for lost', 'leader MiB', 'its own MiB at most'];
  sheets.push({ title: 'A server that was away comes level', columns, rows });
}

/** A server that was away for long, while the others go on. */
async function away(): Promise<void> {
  const place = await Place.open(3);
  closing.push(() => place.close());
  const writer = await place.stream();
  closing.push(() => writer.close());
  const found = await longAway(place, behind, MOST_AWAY_MS, (key) => writer.set(key, 'value'));
  const { transactions, entries, written, seconds, mebibytes, meanwhile } = found;
  const figures = [
    ['transactions that it had missed', transactions],
    ['entries that these are', entries],
    ['s that they took to be written', round(written)],
    ['s until it was level', round(seconds, 2)],
    ['transactions a second', Math.round(transactions / seconds)],
    ['MiB that its files grew by', round(mebibytes)],
    ['MiB a second', round(mebibytes / seconds, 2)],
    ['writes accepted meanwhile', meanwhile],
    ['leader, MiB of memory before', found.leaderBefore],
    ['leader, MiB at most', found.leaderMost],
    ['the server, MiB at most', found.behindMost],
    ['journal of the leader, MiB', round(found.leaderJournal)],
    ['journal of the server, MiB', round(found.behindJournal)],
  ] as const;
  sheets.push({ title: 'A server that was away for long comes level while writes go on', columns: ['found'], rows: figures });
}

/** A cluster of three that loses its leader. */
async function takeovers(faults: SheetRow[]): Promise<void> {
  const brief = await Place.open(3, { ttl: 2 });
  closing.push(() => brief.close());
  for (const [what, signal] of [
    ['killed', 'SIGKILL'],
    ['paused', 'SIGSTOP'],
  ] as const)
    await part(`a leader that is ${what}`, async () => {
      const samples = await repeated(trials, () => takeover(brief, signal));
      faults.push(summary(`leader ${what}: until another leads`, samples));
    });
}

const faults: SheetRow[] = [];
for (const [name, measure] of [
  ['writes', writes],
  ['three', () => threeServers(faults)],
  ['takeovers', () => takeovers(faults)],
  ['away', away],
] as const) {
  if (options.only === '' ? name === 'away' : options.only !== name) continue;
  await part(name, measure);
  await part(`the end of ${name}`, closeAll);
}
if (faults.length > 0)
  sheets.push({ title: 'A cluster of 3, lock ttl 2 s', columns: ['trials', 'p50 s', 'max s'], rows: faults });
const notes: Record<string, string> = failed.length === 0 ? {} : { failed: failed.join(', ') };
reportAll(options.only === 'away' ? 'away' : 'cluster', [], notes, sheets, { runs, trials, ...data });
if (failed.length > 0) process.exitCode = 1;
