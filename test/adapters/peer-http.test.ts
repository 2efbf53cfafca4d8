import { randomBytes } from 'node:crypto';
import { chmod, writeFile } from 'node:fs/promises';
import { createServer as createTcpServer, connect, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { type HttpPeersOptions, openHttpPeers, parseKeys } from '../../adapters/peer-http/open.js';
import { KvError } from '../../ports/error.js';
import { PEER_PROTOCOL, type PeerTransport } from '../../ports/stargate/peer-transport.js';
import { peerTransportContract } from '../contracts/peer-transport.js';
import { TLS } from '../support/programs/etcd.js';
import { temporaryFolder } from '../support/temporary.js';

/** Longer than a busy machine is silent. */
const timeoutMs = 1200;
const listen = { host: '127.0.0.1', port: 0 };
const line = (id: string): string => `${id} ${randomBytes(32).toString('base64')}\n`;

async function keyFile(folder: string, name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text, { mode: 0o600 });
  return path;
}

async function failure(attempt: Promise<unknown>): Promise<KvError> {
  const error = await attempt.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (KvError.is(error)) return error;
  throw new Error(`no KvError: ${String(error)}`);
}

/** Servers on loopback that tell each other their ports once they have one. */
class Cluster {
  private readonly open: PeerTransport[] = [];

  async add(options: Partial<HttpPeersOptions> & { readonly self: string; readonly keyFile: string }): Promise<PeerTransport> {
    const peers = await openHttpPeers({ cluster: 'c', servers: {}, listen, timeoutMs, ...options });
    const serve: PeerTransport['serve'] = async (handler) => {
      await peers.serve(handler);
      for (const other of this.open) if (other.self !== peers.self) other.meet(peers.self, peers.address as string);
    };
    for (const other of this.open) if (other.address !== null) peers.meet(other.self, other.address);
    const told = Object.create(peers, { serve: { value: serve } }) as PeerTransport; // the same, but for one method
    this.open.push(peers);
    return told;
  }

  async close(): Promise<void> {
    for (const one of this.open) await one.close();
  }
}

peerTransportContract('peer-http', async () => {
  const folder = await temporaryFolder();
  const ours = await keyFile(folder.path, 'keys', line('k1'));
  const cluster = new Cluster();
  return {
    timeoutMs,
    open: (self) => cluster.add({ self, keyFile: ours }),
    async openOdd(self, odd) {
      if (odd === 'cluster') return cluster.add({ self, keyFile: ours, cluster: 'd' });
      if (odd === 'key') return cluster.add({ self, keyFile: await keyFile(folder.path, 'others', line('k1')) });
      if (odd === 'clock') return cluster.add({ self, keyFile: ours, now: () => Date.now() - 120_000 });
      return cluster.add({ self, keyFile: ours, protocol: PEER_PROTOCOL + (odd === 'next-version' ? 1 : 2) });
    },
    async dispose() {
      await cluster.close();
      await folder.remove();
    },
  };
});

describe('peer-http', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let cluster: Cluster;
  const request = { topic: 'echo', repository: 'a/b', body: new TextEncoder().encode('secret-free') };
  const handled: string[] = [];
  const note = async ({ from }: { readonly from: string }) => {
    handled.push(from);
    return { body: new Uint8Array(0) };
  };

  beforeEach(async () => {
    folder = await temporaryFolder();
    cluster = new Cluster();
    handled.length = 0;
  });
  afterEach(async () => {
    await cluster.close();
    await folder.remove();
  });

  /** A relay in front of an address, which writes down what is asked and can say it again. */
  async function relay(address: string): Promise<{ url: string; said(): Buffer; close(): Promise<void> }> {
    const { port } = new URL(address);
    const pieces: Buffer[] = [];
    const server = createTcpServer((client) => {
      const there = connect(Number(port), '127.0.0.1');
      client.on('data', (piece: Buffer) => pieces.push(piece));
      client.pipe(there).pipe(client);
      for (const socket of [client, there]) socket.on('error', () => undefined);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      said: () => Buffer.concat(pieces),
      close: async () => void server.close(),
    };
  }

  /** Says bytes to an address, and gives what is answered. */
  const say = (address: string, bytes: Buffer): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect(Number(new URL(address).port), '127.0.0.1', () => socket.write(bytes));
      let heard = '';
      socket.on('data', (piece: Buffer) => {
        heard += piece.toString('latin1');
        if (heard.includes('kv-error/1') || heard.includes('\r\n0\r\n\r\n')) socket.destroy();
      });
      socket.on('error', reject);
      socket.on('close', () => resolve(heard));
    });

  it('refuses what was said before, and what was changed, by name; and shows no key', async () => {
    const keys = await keyFile(folder.path, 'keys', line('k1'));
    const two = await cluster.add({ self: 'two', keyFile: keys });
    await two.serve(note);
    const one = await cluster.add({ self: 'one', keyFile: keys });
    const between = await relay(two.address as string);
    one.meet('two', between.url);
    await one.call('two', request);
    expect(handled).to.deep.equal(['one']);
    const said = between.said();
    expect(said.includes((await import('node:fs')).readFileSync(keys, 'utf8').split(' ')[1]?.trim() ?? '')).to.equal(false);
    expect(await say(two.address as string, said)).to.include('"reason":"replayed"');
    const changed = Buffer.from(said.toString('latin1').replace('secret-free', 'secret-free'), 'latin1');
    expect(changed.equals(said)).to.equal(true);
    const other = Buffer.from(said.toString('latin1').replace('secret-free', 'secret-full'), 'latin1');
    expect(await say(two.address as string, other)).to.include('"reason":"frame"');
    const elsewhere = Buffer.from(said.toString('latin1').replace('/peer/echo', '/peer/ecco'), 'latin1');
    expect(await say(two.address as string, elsewhere)).to.include('"reason":"key"');
    const asAnother = Buffer.from(said.toString('latin1').replace('git-kv-from: one', 'git-kv-from: six'), 'latin1');
    expect(await say(two.address as string, asAnother)).to.include('"reason":"key"');
    expect(handled).to.deep.equal(['one']);
    await between.close();
  });

  it('refuses malformed heads and frames by name, and answers who goes on', async () => {
    const keys = await keyFile(folder.path, 'keys', line('k1'));
    const two = await cluster.add({ self: 'two', keyFile: keys });
    await two.serve(note);
    const address = two.address as string;
    const post = 'POST /git-kv/peer/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n';
    for (const bytes of [
      `${post}\r\n`,
      `${post}git-kv-peer: 0x1\r\n\r\n`,
      `${post}git-kv-peer: 1\r\ngit-kv-cluster: c\r\n\r\n`,
      `${post.replace('/git-kv/peer/echo', '/git-kv/peer/..%2fx')}git-kv-peer: 1\r\n\r\n`,
      `GET / HTTP/1.1\r\nHost: x\r\n\r\n`,
    ])
      expect(await say(address, Buffer.from(bytes)), bytes).to.include('"reason":"frame"');
    expect(handled).to.deep.equal([]);
    const one = await cluster.add({ self: 'one', keyFile: keys });
    await one.call('two', request);
    expect(handled).to.deep.equal(['one']);
  });

  it('lets keys roll: each server takes all of its file, signs with the first, and reads the file anew', async () => {
    const [old, next] = [line('old'), line('next')];
    const mine = await keyFile(folder.path, 'mine', old);
    const theirs = await keyFile(folder.path, 'theirs', `# rolled in 2026\n${old}${next}`);
    const two = await cluster.add({ self: 'two', keyFile: theirs });
    await two.serve(note);
    const one = await cluster.add({ self: 'one', keyFile: mine });
    await one.call('two', request);
    await writeFile(mine, `${next}${old}`);
    await new Promise((resolve) => setTimeout(resolve, 1100)); // a file is taken to be as it was for a second
    await one.call('two', request);
    await writeFile(theirs, old);
    await new Promise((resolve) => setTimeout(resolve, 1100));
    const { details, message } = await failure(one.call('two', request));
    expect(details?.['reason']).to.equal('key');
    expect(message).to.include("'next'");
  });

  it('takes no file of keys that others may read, or that has none', async () => {
    const keys = await keyFile(folder.path, 'keys', line('k1'));
    await chmod(keys, 0o644);
    expect((await failure(cluster.add({ self: 'one', keyFile: keys }))).message).to.include('may be read by others');
    expect((await failure(cluster.add({ self: 'one', keyFile: join(folder.path, 'none') }))).code).to.equal('CONFIG_INVALID');
    const same = line('a');
    for (const text of [
      '',
      '# nothing\n',
      'short c2hvcnQ=\n',
      'k1\n',
      `${same}${same}`,
      '../k AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n',
    ])
      expect(() => parseKeys(text, 'keys'), text).to.throw(KvError);
  });

  it('speaks to nobody unencrypted outside of this host and the networks that are named', async () => {
    const keys = await keyFile(folder.path, 'keys', line('k1'));
    const at = (address: string, trusted: string[] = []) =>
      openHttpPeers({ self: 'one', cluster: 'c', servers: { two: address }, keyFile: keys, trusted });
    for (const address of ['http://192.0.2.7:1', 'http://peer.example:1', 'http://[2001:db8::1]:1', 'http://127.0.0.1.example:1'])
      expect((await failure(at(address))).details, address).to.deep.equal({ reason: 'plain' });
    for (const [address, trusted] of [
      ['http://192.0.2.7:1', '192.0.2.0/24'],
      ['http://peer.example:1', 'peer.example'],
      ['http://[2001:db8::1]:1', '2001:db8::/32'],
      ['https://peer.example:1', '10.0.0.0/8'],
      ['http://[::1]:1', '10.0.0.1'],
      ['http://localhost:1', '10.0.0.1'],
    ] as const)
      await (await at(address, [trusted])).close();
    for (const odd of ['10.0.0.0/33', 'a b', '10.0.0/8', 'x/8'])
      expect((await failure(at('https://x:1', [odd]))).code).to.equal('CONFIG_INVALID');
    for (const odd of ['ftp://x', 'http://x/y', 'http://u@x:1', 'x:1', ''])
      expect((await failure(at(odd))).code, odd).to.equal('CONFIG_INVALID');
  });

  it('tells apart its own address under another name, and two servers of one name', async () => {
    const keys = await keyFile(folder.path, 'keys', line('k1'));
    const twins = openHttpPeers({
      ...{ self: 'one', cluster: 'c', keyFile: keys },
      servers: { one: 'http://127.0.0.1:4001', two: 'http://127.0.0.1:4001/' },
    });
    expect((await failure(twins)).code).to.equal('CONFIG_INVALID');
    const two = await cluster.add({ self: 'two', keyFile: keys });
    await two.serve(note);
    for (const [self, reason] of [
      ['two', 'self'],
      ['one', 'name'],
    ] as const) {
      const peers = await openHttpPeers({ self, cluster: 'c', servers: { three: two.address as string }, keyFile: keys });
      expect((await failure(peers.call('three', request))).details).to.deep.equal({ reason });
      await peers.close();
    }
    expect(handled).to.deep.equal([]);
  });

  it('understands versions one apart, older and newer, and refuses others by name', async () => {
    const keys = await keyFile(folder.path, 'keys', line('k1'));
    const two = await cluster.add({ self: 'two', keyFile: keys, protocol: 5 });
    await two.serve(note);
    for (const protocol of [4, 5, 6])
      await (await cluster.add({ self: `v${protocol}`, keyFile: keys, protocol })).call('two', request);
    expect(handled).to.deep.equal(['v4', 'v5', 'v6']);
    for (const protocol of [3, 7]) {
      const odd = await cluster.add({ self: `v${protocol}`, keyFile: keys, protocol });
      const { code, message, details } = await failure(odd.call('two', request));
      expect({ code, details }).to.deep.equal({ code: 'PEER_REFUSED', details: { reason: 'version' } });
      expect(message).to.contain('version 5').and.contain(`version ${protocol}`);
    }
    expect(handled).to.have.length(3);
  });

  it('gives up a host that accepts and says nothing', async () => {
    const keys = await keyFile(folder.path, 'keys', line('k1'));
    const silent = createTcpServer((socket) => socket.on('error', () => undefined));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const one = await cluster.add({ self: 'one', keyFile: keys });
    one.meet('two', `http://127.0.0.1:${(silent.address() as AddressInfo).port}`);
    const { code, message } = await failure(one.call('two', request));
    expect({ code, message }).to.deep.equal({ code: 'IO_ERROR', message: `server two has said nothing for ${timeoutMs} ms` });
    silent.close();
  });
});

describe('peer-http over TLS', () => {
  const file = (name: string): string => join(TLS, name);
  const identity = (name: string) => ({ ca: file('ca.pem'), cert: file(`${name}.pem`), certKey: file(`${name}.key`) });
  const request = { topic: 'echo', repository: '', body: new TextEncoder().encode('x') };

  it('takes a certificate of the cluster for proof, and the name in it for the server’s', async () => {
    const server = await openHttpPeers({
      self: 'server',
      cluster: 'c',
      servers: {},
      listen,
      identity: identity('server'),
      timeoutMs,
    });
    await server.serve(async ({ from, stream }) => {
      for await (const piece of stream) return { body: Buffer.concat([Buffer.from(from), piece]) };
      return { body: Buffer.from(from) };
    });
    const servers = { server: server.address as string };
    expect(servers.server).to.match(/^https:/);
    const called = async (self: string, as: string, ca = 'ca') => {
      const peers = await openHttpPeers({
        ...{ self, cluster: 'c', servers, timeoutMs },
        identity: { ...identity(as), ca: file(`${ca}.pem`) },
      });
      try {
        return Buffer.from((await peers.call('server', request)).body).toString();
      } finally {
        await peers.close();
      }
    };
    expect(await called('client', 'client')).to.equal('client');
    expect((await failure(called('other', 'client'))).details).to.deep.equal({ reason: 'key' });
    expect((await failure(called('stranger', 'stranger'))).code).to.match(/PEER_REFUSED|IO_ERROR/); // as far as TLS says why
    expect((await failure(called('client', 'client', 'other-ca'))).details).to.deep.equal({ reason: 'key' });
    await server.close();
  });
});
