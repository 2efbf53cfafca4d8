import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import type { ClusterServer } from '../../support/worlds/cluster-server.js';
import { ClusterWorld } from '../../support/worlds/cluster-world.js';
import { needs } from '../../support/needs/needs.js';
import { until } from '../../support/until.js';

const CLOCK = `--import=${new URL('../../chaos/cluster/shifted-clock.js', import.meta.url)}`;
/** More than a request may be off, ms. */
const CLOCK_OFF = 90_000;

/** What a server of a cluster may be told that is wrong, or not be told at all, with processes. */
describe('a cluster of Stargates of which one is odd', function () {
  this.timeout(180_000);
  let world: ClusterWorld;
  let leader: ClusterServer;
  let odd: ClusterServer;
  const clue = (): string => world.logs();
  let written = 0;

  before(async function () {
    needs(this, 'etcd');
    world = await ClusterWorld.create({ servers: 3, ttl: 20, env: { NODE_OPTIONS: CLOCK } });
    leader = await world.leader();
    odd = world.servers.find((server) => server !== leader) as ClusterServer;
    await world.makeClone();
    await world.kv(['set', 'k', 'first'], leader);
    await world.level();
  });
  after(() => world?.close());

  /** A write is taken though one server is odd: two of three are a majority. */
  async function set(): Promise<void> {
    const { code, stderr } = await world.kv(['set', 'k', `value ${written++}`], leader);
    expect(code, `${stderr}\n${clue()}`).to.equal(0);
  }
  /** What a server's log has said since then, of the other one. */
  const lost = (on: ClusterServer, since: number, of: ClusterServer): string =>
    on.log
      .slice(since)
      .split('\n')
      .filter((line) => line.includes('"event":"cluster.peer-lost"') && line.includes(`"server":"${of.name}"`))
      .join('\n');
  const refused = async (by: ClusterServer, of: ClusterServer, since: number, words: RegExp): Promise<void> => {
    await until(`${by.name} says what is odd about ${of.name}`, () => words.test(lost(by, since, of)), { clue });
  };

  it('takes writes while a server accepts and never answers, names it, and has it level when it goes on', async () => {
    const since = leader.log.length;
    odd.signal('SIGSTOP');
    for (let at = 0; at < 3; at++) await set();
    await refused(leader, odd, since, /has said nothing for \d+ ms/);
    odd.signal('SIGCONT');
    await world.level();
    expect(leader.leads).to.equal(true);
  });

  it('hears nothing of a server with a key of another cluster, which says why, until it has the right one', async () => {
    const profile = join(world.dir, `${odd.name}.yaml`);
    const right = await readFile(profile, 'utf8');
    await writeFile(join(world.dir, 'other.key'), `k1 ${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
    await odd.stop();
    await writeFile(profile, right.replace('cluster.key', 'other.key'));
    const since = leader.log.length;
    odd.start();
    await odd.ready();
    await set();
    await refused(leader, odd, since, /key/);
    await refused(odd, leader, 0, /key/);
    expect(await odd.refs()).to.not.equal(await leader.refs());
    await odd.stop();
    await writeFile(profile, right);
    odd.start();
    await odd.ready();
    await world.level();
  });

  it('hears nothing of a server whose clock is wrong, ahead or behind, until it is right again', async () => {
    for (const ms of [CLOCK_OFF, -CLOCK_OFF]) {
      const since = leader.log.length;
      await moveClock(ms);
      await set();
      await refused(leader, odd, since, /clock/);
      expect(odd.leads).to.equal(false);
      await moveClock(0);
      await world.level();
    }
  });

  it('goes on, whatever a stranger says to the port of its servers', async () => {
    const long = 'x'.repeat(70_000);
    const head = 'POST /git-kv/peer/replicate HTTP/1.1\r\nHost: x\r\n';
    for (const bytes of [
      '\0\0\0\0',
      long,
      `${head}\r\n`,
      `${head}Content-Length: 99999999999999\r\ngit-kv-peer: 1\r\ngit-kv-cluster: test\r\ngit-kv-from: ${odd.name}\r\n\r\n`,
      `${head}Content-Length: -1\r\n\r\n`,
      `${head}Transfer-Encoding: chunked\r\n\r\nffffffff\r\n${long}`,
      `${head}git-kv-from: ${long}\r\n\r\n`,
    ])
      await say(leader.peer, bytes);
    await set();
    await world.level();
    expect(world.servers.map(({ runs }) => runs)).to.deep.equal([true, true, true]);
    expect(leader.leads).to.equal(true);
  });

  it('counts out a server whose refs were moved by hand, names it to operators, and merges nothing of it', async () => {
    await odd.stop();
    const { stdout } = await world.must('git', ['-C', odd.repo, 'for-each-ref', '--format=%(objectname)', 'refs/kv/main']);
    await world.must('git', ['-C', odd.repo, 'update-ref', 'refs/heads/by-hand', stdout.trim().split('\n')[0] as string]);
    odd.start();
    await odd.ready();
    await set();
    const status = async (on: ClusterServer): Promise<string> => (await world.cluster(on, ['status'])).stdout;
    const named = async (): Promise<boolean> =>
      new RegExp(`^ *${odd.name} .*diverged|^ *${odd.name} .*digest`, 'm').test(await status(leader));
    await until('the leader names it', named, { clue });
    const own = JSON.parse((await world.cluster(odd, ['status', '--json'])).stdout) as { cluster: { diverged: unknown } };
    expect(own.cluster.diverged).to.be.a('string');
    const handed = await world.cluster(leader, ['transfer-leadership', odd.name]).then(() => 'taken', String);
    expect(odd.leads, handed).to.equal(false);
    for (const server of world.servers) if (server !== odd) expect(await server.refs()).to.not.include('refs/heads/by-hand');
    const before = await odd.refs();
    await set();
    expect(await odd.refs()).to.equal(before);
  });

  async function moveClock(ms: number): Promise<void> {
    await writeFile(odd.clockFile, String(ms));
    odd.signal('SIGUSR2');
  }
});

/** Says bytes to a port, and waits until the other side has ended it, or a moment has passed. */
function say(port: number, bytes: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes, 'latin1'));
    socket.setTimeout(500, () => socket.destroy());
    socket.resume();
    socket.on('error', () => undefined); // the other side may hang up on it
    socket.on('close', () => resolve());
  });
}
