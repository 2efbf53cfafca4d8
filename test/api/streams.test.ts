import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect } from 'chai';
import { Streams } from '../../apps/api/requests/streams.js';
import { THOROUGH } from '../support/needs/thorough.js';
import { type ListeningApi, listeningApi, until } from './listening.js';

const AUTHOR = { name: 'Dev', email: 'dev@example.com' };
/** How many watch and read nothing, and how many do: as many as a repository may have, where it is to be thorough. */
const [MUTE, READERS] = THOROUGH ? [5000, 5000] : [8, 300];

/** Opens connections that ask and never read, one after another, and says when they are there: port, how many, what they ask. */
const MUTE_CLIENTS = `
const [port, count, request] = process.argv.slice(1);
const open = (left) => {
  if (left === 0) return process.send('open');
  const socket = require('net').connect(Number(port), '127.0.0.1', () => { socket.write(request); open(left - 1); });
  socket.on('error', () => {}); // and no listener for what comes
};
open(Number(count));
setInterval(() => {}, 1000); // sockets that don't read keep no process
`;

describe('api: event streams', () => {
  let t: ListeningApi;
  const lines: { readonly message: string; readonly fields: Readonly<Record<string, unknown>> | undefined }[] = [];
  before(async () => {
    t = await listeningApi({}, (_level, message, fields) => lines.push({ message, fields }));
  });
  after(() => t.stop());
  let mute: ChildProcess | undefined;
  beforeEach(async () => {
    await t.ask('POST', '/api/v1/repos', { id: 'r', memory_only: true });
  });
  afterEach(async () => {
    mute?.kill('SIGKILL');
    await t.ask('DELETE', '/api/v1/repos/r');
  });

  const commit = async (path: string): Promise<string> => {
    await t.ask('POST', '/api/v1/repos/r/files', { path, content: path });
    return (await t.ask('POST', '/api/v1/repos/r/commits', { message: path, author: AUTHOR })).body.hash;
  };
  const request = (query = '', ...headers: string[]): string =>
    [`GET /api/v1/repos/r/events${query} HTTP/1.1`, 'Host: x', `Authorization: ${t.authorization}`, ...headers, '', ''].join(
      '\r\n',
    );
  const idsIn = (text: string): string[] => [...text.matchAll(/^id: (\S+)$/gm)].map(([, id]) => id ?? '');

  it('tell of each ref that moves, and go on where they ended', async () => {
    const stream = await t.open(request());
    await until(stream, /:\n\n/);
    const told = until(stream, /"new":"[0-9a-f]{40}"[\s\S]*"new":"[0-9a-f]{40}"/);
    const hashes = [await commit('a'), await commit('b')];
    const text = await told;
    for (const hash of hashes) expect(text).to.include(hash);
    stream.destroy();
    const [first = ''] = idsIn(text);
    const third = await commit('c');
    const again = await t.open(request('', `Last-Event-ID: ${first}`));
    const rest = await until(again, new RegExp(third));
    expect(rest).to.include(hashes[1]).and.not.include(`"new":"${hashes[0]}"`).and.not.include('event: reset');
    again.destroy();
    for (const unknown of ['nothing', `${first}0000`, first.replace(/^./, (c) => (c === 'f' ? 'e' : 'f'))]) {
      const lost = await t.open(request('', `Last-Event-ID: ${unknown}`));
      expect(await until(lost, /event: reset/), unknown).to.not.include('"new"');
      lost.destroy();
    }
  });

  it('say that something was missed where too much has happened since', async () => {
    const log = t.api.context.pool.events('r');
    const first = await t.open(request());
    await until(first, /:\n\n/);
    const told = until(first, /^id: \S+\n/m);
    await commit('a');
    const [id = ''] = idsIn(await told);
    first.destroy();
    const moved = { sequence: 1, ref: 'refs/heads/x', old: null, next: null, reason: 'test', time: 0 };
    for (let i = 0; i < 1000; i++) log.add(moved);
    expect(log.since(id)).to.have.length(1000);
    log.add(moved);
    const lost = await t.open(request('', `Last-Event-ID: ${id}`));
    expect(await until(lost, /event: reset/)).to.not.match(/^id:/m);
    lost.destroy();
  });

  it('bound what waits for all together, by those who have the most', () => {
    const streams = new Streams({ each: 100, together: 250 });
    const shares = Array.from({ length: 5 }, () => streams.begin());
    for (const share of shares.slice(0, 3)) expect(share.excess(80)).to.equal(null);
    expect([streams.open, streams.cut]).to.deep.equal([5, 0]);
    expect(shares[3]?.excess(101)).to.equal('it does not read');
    shares[3]?.end('it does not read');
    expect(shares[4]?.excess(30), 'one that has little stays').to.equal(null);
    expect(shares[0]?.excess(81)).to.match(/too slowly/);
    shares[0]?.end('slow');
    shares[0]?.end('slow');
    expect(shares[1]?.excess(81), 'there is room again').to.equal(null);
    expect(shares[0]?.excess(1000), 'one that has ended counts no more').to.equal(null);
    expect([streams.open, streams.cut]).to.deep.equal([3, 2]);
  });

  it(`cut off whoever does not read, ${MUTE} at a time, and serve ${READERS} others`, async function () {
    this.timeout(THOROUGH ? 600_000 : 120_000);
    const log = t.api.context.pool.events('r');
    const opened = async (count: number, query: string) => {
      const sockets = [];
      for (let i = 0; i < count; i++) sockets.push(await t.open(request(query)));
      for (const socket of sockets) socket.on('error', () => undefined); // it is cut off
      return sockets;
    };
    const { streams } = t.api.context;
    while (streams.open > 0) await new Promise((resolve) => setImmediate(resolve)); // of the tests before
    const [cutBefore, linesBefore] = [streams.cut, lines.length];
    // In a process of their own: there are not descriptors enough for both ends of all of them in one.
    mute = spawn(process.execPath, ['-e', MUTE_CLIENTS, String(t.port), String(MUTE), request()], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    await once(mute, 'message');
    const readers = await opened(READERS, '?branch=small');
    const told = Promise.all(readers.map((socket) => until(socket, /"branch":"small"/)));
    while (log.watchers < MUTE + READERS) await new Promise((resolve) => setImmediate(resolve));
    const before = process.memoryUsage().rss;
    // More than the kernel keeps for a connection, and the server for a client.
    const large = { sequence: 1, ref: `refs/heads/${'x'.repeat(60_000)}`, old: null, next: null, reason: 'test', time: 0 };
    for (let sent = 0; log.watchers > READERS; sent++) {
      log.add(large);
      await new Promise((resolve) => setImmediate(resolve));
      expect(sent, 'somebody who reads nothing is served for ever').to.be.lessThan(2000);
    }
    log.add({ ...large, ref: 'refs/heads/small' });
    await told;
    expect(log.watchers).to.equal(READERS);
    expect([streams.open, streams.cut - cutBefore]).to.deep.equal([READERS, MUTE]);
    const reasons = lines
      .slice(linesBefore)
      .filter(({ message }) => message === 'a stream was cut off')
      .map(({ fields }) => fields?.['reason']);
    expect(reasons).to.have.length(MUTE);
    expect([...new Set(reasons)].sort()[0]).to.match(/^it (does not read|reads too slowly)/);
    // A client costs its connection; what waits for those who don't read is bounded for all of them together.
    expect(process.memoryUsage().rss - before).to.be.lessThan((MUTE + READERS) * 60_000 + 300_000_000);
    for (const socket of readers) socket.destroy();
  });

  it('end when the server does, as a transaction does that is open then', async () => {
    const own = await listeningApi();
    await own.ask('POST', '/api/v1/repos', { id: 'r', memory_only: true });
    const { body } = await own.ask('POST', '/api/v1/repos/r/transaction');
    await own.ask('POST', `/api/v1/repos/r/transaction/${body.id}/add`, { path: 'a', content: 'a' });
    const stream = await own.open(request().replace(t.authorization, own.authorization));
    await until(stream, /:\n\n/);
    const ended = once(stream, 'close');
    stream.resume();
    await own.stop(10_000);
    await ended;
  });
});
