import { randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { expect } from 'chai';
import { openReplicationApi } from '../../apps/stargate/replica/open-api.js';
import { isLoopback, parsePeerUrls, parseServerId } from '../../apps/stargate/root/creation/settings.js';
import { freePort } from '../support/programs/free-port.js';
import { thrownBy } from '../contracts/mirror-target.js';
import { LinkProxy } from '../support/worlds/link-proxy.js';
import { RootStargate } from '../support/worlds/root-stargate.js';
import { until } from '../support/until.js';

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/** One server of several, in this process. */
class Replica {
  readonly stargate = new RootStargate();

  constructor(
    readonly name: string,
    readonly port: number,
  ) {}

  async start(others: readonly Replica[], keyFile: string, tokenFile?: string): Promise<void> {
    const listenHttp = { host: '127.0.0.1', port: this.port };
    await this.stargate.start({
      listenHttp,
      replica: {
        ...{ self: this.name, keyFile, identity: undefined, trusted: [], listenPeers: { host: '127.0.0.1', port: 0 } },
        peers: others.map(({ port }) => new URL(`http://127.0.0.1:${port}`)),
      },
      more: (parts) => openReplicationApi(parts, { shownRoot: this.stargate.root, listenHttp, tokenFile }),
    });
  }

  async ask(path: string, init: RequestInit = {}): Promise<Answer> {
    const response = await fetch(`http://127.0.0.1:${this.port}${path}`, init);
    const text = await response.text();
    return { status: response.status, body: text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : { text } };
  }

  create(name: string, headers: Record<string, string> = {}): Promise<Answer> {
    const body = JSON.stringify({ repo_id: name });
    return this.ask('/repos', { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } });
  }

  async sees(status: string): Promise<void> {
    const clue = () => JSON.stringify(this.stargate.lines.slice(-5));
    await until(`${this.name} is ${status}`, async () => (await this.ask('/health')).body['status'] === status, { clue });
  }

  logged(event: string): boolean {
    return this.stargate.lines.some((line) => line.event === event);
  }
}

describe('stargate: servers that create repositories together', () => {
  let servers: readonly Replica[] = [];
  let keyFile = '';
  const open = async (...names: readonly string[]): Promise<readonly Replica[]> => {
    servers = await Promise.all(names.map(async (name) => new Replica(name, await freePort())));
    keyFile = (servers[0] as Replica).stargate.sandbox.path('peers.key');
    await writeFile(keyFile, `k1 ${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
    return servers;
  };
  const start = (one: Replica): Promise<void> =>
    one.start(
      servers.filter((other) => other !== one),
      keyFile,
    );
  afterEach(() => Promise.all(servers.map(({ stargate }) => stargate.close())));

  it('need a majority; one that was away, or has lost its disk, learns what was created', async () => {
    const [one, two] = (await open('s1', 's2')) as [Replica, Replica];
    await start(one);
    const alone = await one.create('ada/shop');
    expect([alone.status, alone.body['code']]).to.deep.equal([503, 'IO_ERROR']);
    expect((await one.ask('/repos')).body).to.deep.equal({ repos: [], count: 0 });
    await start(two);
    await Promise.all([one.sees('healthy'), two.sees('healthy')]);
    expect((await two.create('ada/shop')).body).to.include({ created: true, replicated: true, peers_confirmed: 1 });
    expect((await one.create('Ada/Shop')).status).to.equal(409);
    await two.stargate.stop();
    await one.sees('degraded');
    expect((await one.create('bob/shop')).status).to.equal(503);
    await rm(two.stargate.root, { recursive: true });
    await start(two);
    await until('it has come level', async () => (await two.ask('/repos/ada/shop')).status === 200);
    await until('it says so', () => two.logged('replica.learned'));
    expect((await one.ask('/repos')).body).to.deep.equal({ repos: ['ada/shop'], count: 1 });
  });

  it('say so when two have one name, or were told of different servers, and create nothing', async () => {
    const [one, two] = (await open('twin', 'twin')) as [Replica, Replica];
    await start(one);
    const refused = await thrownBy(start(two));
    expect([refused.code, refused.message]).to.deep.equal([
      'CONFIG_INVALID',
      `the server at http://127.0.0.1:${one.port} is called twin, as this one`,
    ]);
    await Promise.all(servers.map(({ stargate }) => stargate.close()));

    const [s1, s2, s3] = (await open('s1', 's2', 's3')) as [Replica, Replica, Replica];
    await s1.start([s2], keyFile);
    await s2.start([s1, s3], keyFile);
    await s1.sees('healthy');
    expect((await s1.create('ada/shop')).body['detail']).to.contain("another server can't make");
    expect((await s2.ask('/repos')).body).to.deep.equal({ repos: [], count: 0 });
  });

  it('name an address that leads back to the server by a way that only its answer shows, and create nothing', async () => {
    const [one] = (await open('s1')) as [Replica];
    const link = await LinkProxy.to(one.port);
    try {
      await one.start([new Replica('s2', link.port)], keyFile);
      await one.sees('degraded');
      const back = `the peer http://127.0.0.1:${link.port} is this server itself`;
      const told = () => one.stargate.lines.some((line) => JSON.stringify(line).includes(back));
      await until('the log names it', told, { clue: () => JSON.stringify(one.stargate.lines) });
      const created = await one.create('ada/shop');
      expect([created.status, created.body['detail']]).to.deep.equal([503, back]);
      expect((await one.ask('/repos')).body).to.deep.equal({ repos: [], count: 0 });
    } finally {
      link.close();
    }
  });

  it('let nobody in without a token where there are tokens, and each do what its token is for', async () => {
    const [one] = (await open('s1')) as [Replica];
    const tokens = one.stargate.sandbox.path('tokens');
    const [create, read] = ['c'.repeat(32), 'r'.repeat(32)];
    await writeFile(tokens, `# tokens\ncreate ${create}\nread ${read}\n`, { mode: 0o644 });
    expect((await thrownBy(one.start([], keyFile, tokens))).message).to.contain('may be read by others');
    await one.stargate.sandbox.exec('chmod', ['600', tokens]);
    await one.start([], keyFile, tokens);
    const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
    expect((await one.create('ada/shop')).status).to.equal(401);
    expect((await one.create('ada/shop', bearer('x'.repeat(32)))).status).to.equal(401);
    expect((await one.create('ada/shop', bearer(read))).status).to.equal(403);
    expect((await one.create('ada/shop', bearer(create))).body).to.deep.equal({
      ...{ repo_id: 'ada/shop', created: true, replicated: true, peers_confirmed: 0 },
    });
    expect((await one.ask('/repos')).status).to.equal(401);
    expect((await one.ask('/repos', { headers: bearer(read) })).status).to.equal(200);
    const refs = '/git/ada/shop.git/info/refs?service=git-upload-pack';
    expect((await one.ask(refs)).status).to.equal(401);
    const basic = { authorization: `Basic ${Buffer.from(`git:${read}`).toString('base64')}` };
    expect((await one.ask(refs, { headers: basic })).status).to.equal(200);
    expect((await one.ask(refs.replace('upload', 'receive'), { headers: basic })).status).to.equal(403);
    expect((await one.ask(refs.replace('shop', 'none'), { headers: basic })).status).to.equal(404);
    expect((await one.ask('/health')).status).to.equal(200);
  });

  it('are told of each other by addresses, none of which leads back', () => {
    const here = { host: '127.0.0.1', port: 3001 };
    expect(parsePeerUrls(['http://localhost:3002,http://10.0.0.3:3001'], here).map(({ origin }) => origin)).to.deep.equal([
      'http://localhost:3002',
      'http://10.0.0.3:3001',
    ]);
    for (const odd of [
      'http://localhost:3001',
      'http://[::1]:3001',
      'http://a:1,http://a:1',
      'ftp://a:1',
      'http://a:1/x',
      'http://u@a:1',
      'a:1',
    ])
      expect(() => parsePeerUrls([odd], here), odd).to.throw();
    expect(parseServerId('server_1')).to.equal('server_1');
    for (const odd of ['', 'a b', '-a', 'a/b', 'a..b', 'x'.repeat(64)]) expect(() => parseServerId(odd), odd).to.throw();
    expect(['127.8.9.1', '::1', '[::1]', 'localhost', '::ffff:127.0.0.1'].every(isLoopback)).to.equal(true);
    expect(['127.0.0.1.example.org', '10.0.0.1', 'localhost.example.org', ''].some(isLoopback)).to.equal(false);
  });
});
