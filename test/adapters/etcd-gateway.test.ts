import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { expect } from 'chai';
import { compareOfFence, encodeFence, Etcd } from '../../adapters/etcd-gateway/index.js';
import { thrownBy } from '../contracts/mirror-target.js';

/** What a stub of etcd answers: status and body, or nothing at all. */
type Reply = readonly [status: number, body: string] | 'silence' | 'hang up';

const FOUND = '{"kvs":[{"key":"aw==","value":"w6Q=","create_revision":"7","mod_revision":"9","lease":"-5"}]}';
const UNAVAILABLE = '{"error":"etcdserver: no leader","message":"etcdserver: no leader","code":14}';

describe('etcd-gateway', () => {
  let servers: Server[];
  let clients: Etcd[];

  beforeEach(() => {
    [servers, clients] = [[], []];
  });
  afterEach(() => {
    for (const client of clients) client.close();
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
  });

  /** Starts a stub that gives these answers one after the other, the last for ever; `asked` has the bodies of all requests. */
  const stub = async (...replies: Reply[]): Promise<{ url: string; asked: unknown[] }> => {
    const asked: unknown[] = [];
    const server = createServer(async (request, response) => {
      const pieces: Buffer[] = [];
      for await (const piece of request) pieces.push(piece as Buffer);
      asked.push({ path: request.url, ...(JSON.parse(Buffer.concat(pieces).toString()) as object) });
      const reply = (replies.length > 1 ? replies.shift() : replies[0]) as Reply;
      if (reply === 'hang up') request.socket.destroy();
      else if (reply !== 'silence') response.writeHead(reply[0]).end(reply[1]);
    });
    servers.push(server.listen(0, '127.0.0.1'));
    await once(server, 'listening');
    return { url: `http://127.0.0.1:${(server.address() as { port: number }).port}`, asked };
  };
  const over = async (timeoutMs: number, ...endpoints: string[]): Promise<Etcd> => {
    const client = await Etcd.open({ endpoints, timeoutMs });
    clients.push(client);
    return client;
  };
  const dead = async (): Promise<string> => {
    const { url } = await stub('silence');
    const server = servers.pop();
    server?.close();
    return url;
  };

  it('speaks base64 and numbers as strings, and reads them back', async () => {
    const { url, asked } = await stub(
      [200, FOUND],
      [200, '{"header":{"revision":"12"},"succeeded":true,"responses":[{"response_put":{}},{"response_range":{}}]}'],
      [200, '{"ID":"1234567890123456789","TTL":"3"}'],
      [200, '{"result":{"ID":"1234567890123456789"}}'],
    );
    const etcd = await over(5000, url);
    expect(await etcd.get('k')).to.deep.equal({ key: 'k', value: 'ä', createRevision: 7, modRevision: 9, lease: '-5' });
    const txn = {
      compare: [
        { key: 'k', createRevision: 0 },
        { key: 'k', modRevision: 3 },
      ],
      success: [{ put: 'k', value: 'ä', lease: '5' }, { remove: 'j' }],
      failure: [{ get: 'k' }],
    };
    expect(await etcd.txn(txn, { repeatable: true })).to.deep.equal({ succeeded: true, revision: 12, found: [null] });
    expect(await etcd.grant(3)).to.deep.equal({ id: '1234567890123456789', seconds: 3 });
    expect(await etcd.keepAlive('1234567890123456789'), 'it has ended').to.equal(0);
    expect(asked).to.deep.equal([
      { path: '/v3/kv/range', key: 'aw==' },
      {
        path: '/v3/kv/txn',
        compare: [
          { key: 'aw==', result: 'EQUAL', target: 'CREATE', create_revision: '0' },
          { key: 'aw==', result: 'EQUAL', target: 'MOD', mod_revision: '3' },
        ],
        success: [{ request_put: { key: 'aw==', value: 'w6Q=', lease: '5' } }, { request_delete_range: { key: 'ag==' } }],
        failure: [{ request_range: { key: 'aw==' } }],
      },
      { path: '/v3/lease/grant', TTL: '3' },
      { path: '/v3/lease/keepalive', ID: '1234567890123456789' },
    ]);
  });

  it('asks the next endpoint when one is down, says nothing, hangs up or has no quorum, and begins with the one that answered', async () => {
    const poor = [await stub('silence'), await stub('hang up'), await stub([503, UNAVAILABLE])];
    const good = await stub([200, FOUND]);
    const etcd = await over(1000, await dead(), ...poor.map(({ url }) => url), good.url);
    expect(await etcd.get('k')).to.have.property('value', 'ä');
    expect(await etcd.get('k')).to.have.property('value', 'ä');
    expect(good.asked).to.have.length(2);
    for (const { asked } of poor) expect(asked).to.have.length(1);
  });

  it('says of each endpoint why it gave no answer', async () => {
    const [silent, gone, lost] = [await stub('silence'), await dead(), await stub([503, UNAVAILABLE])];
    const error = await thrownBy((await over(500, silent.url, gone, lost.url)).get('k'));
    expect([error.code, error.message]).to.deep.equal([
      'IO_ERROR',
      `etcd: ${silent.url} did not answer within 500 ms; ${gone} refuses connections; ${lost.url} cannot answer now (etcdserver: no leader)`,
    ]);
  });

  it('shares the time that there is among the endpoints', async () => {
    const [one, two] = [await stub('silence'), await stub('silence')];
    const error = await thrownBy((await over(60_000, one.url, two.url)).get('k', { withinMs: 100 }));
    expect(error.message).to.match(/did not answer within 50 ms.*did not answer within \d+ ms/);
    expect((await thrownBy((await over(60_000, one.url)).get('k', { withinMs: 0 }))).message).to.include('no time left');
  });

  it('asks once only for what must not be done twice, unless it was surely not done', async () => {
    const [silent, good] = [await stub('silence'), await stub([200, '{"succeeded":true}'])];
    const once_ = { repeatable: false };
    const txn = { compare: [], success: [], failure: [] };
    const etcd = await over(100, silent.url, good.url);
    const error = await thrownBy(etcd.txn(txn, once_));
    expect([error.code, error.details]).to.deep.equal(['IO_ERROR', { uncertain: true }]);
    expect(good.asked).to.have.length(0);
    expect((await etcd.txn(txn, once_)).succeeded, 'asked again, it does not begin with the silent one').to.equal(true);
    expect((await (await over(100, await dead(), good.url)).txn(txn, once_)).succeeded).to.equal(true);
    expect((await thrownBy((await over(100, await dead())).txn(txn, once_))).details).to.deep.equal({ uncertain: false });
  });

  it('makes a new connection where the other side has closed one that nobody used', async () => {
    const { url } = await stub([200, FOUND], 'hang up', [200, FOUND]);
    const etcd = await over(5000, url);
    await etcd.get('k');
    expect(await etcd.get('k')).to.have.property('value', 'ä');
  });

  const refused: [string, Reply, string, RegExp][] = [
    ['no gateway', [404, 'Not Found'], 'CONFIG_INVALID', /has no JSON gateway of version 3/],
    ['another server', [200, '<html>'], 'CONFIG_INVALID', /gave an answer that is none of etcd's \(HTTP 200\)/],
    ['a server that wants TLS', [400, 'Client sent an HTTP request to an HTTPS server.\n'], 'CONFIG_INVALID', /speaks TLS alone/],
    ['too long an answer', [200, ' '.repeat(5_000_000)], 'IO_ERROR', /its answer has more than 4194304 bytes/],
    [
      'a used-up quota',
      [429, '{"message":"etcdserver: mvcc: database space exceeded","code":8}'],
      'STORAGE_FULL',
      /has no room left/,
    ],
    ['a wanted user', [400, '{"message":"etcdserver: user name is empty","code":3}'], 'CONFIG_INVALID', /wants a user/],
    [
      'a refusal',
      [400, '{"message":"etcdserver: key is not provided","code":3}'],
      'IO_ERROR',
      /etcd refuses: etcdserver: key is/,
    ],
    ['a revision that is none', [200, FOUND.replace('"7"', '"7x"')], 'IO_ERROR', /a revision that is no number to count with/],
    ['a revision beyond numbers', [200, FOUND.replace('"7"', '"9007199254740993"')], 'IO_ERROR', /a revision that is no number/],
    ['a lease that is none', [200, FOUND.replace('"-5"', '{}')], 'IO_ERROR', /a lease without an id/],
  ];
  for (const [what, reply, code, message] of refused) {
    it(`tells of ${what}`, async () => {
      const error = await thrownBy((await over(5000, (await stub(reply)).url)).get('k'));
      expect([error.code, error.hint === undefined]).to.deep.equal([code, false]);
      expect(error.message).to.match(message);
    });
  }

  it('ends a lease that has ended already, and answers nothing once closed', async () => {
    const etcd = await over(5000, (await stub([404, '{"message":"etcdserver: requested lease not found","code":5}'])).url);
    await etcd.revoke('5');
    etcd.close();
    expect((await thrownBy(etcd.get('k'))).message).to.equal('the connection to etcd is closed');
  });

  it('reads the fences that it writes, and no others', async () => {
    expect(compareOfFence(encodeFence('/a b\nc', 12))).to.deep.equal({ key: '/a b\nc', createRevision: 12 });
    expect(() => compareOfFence('flock')).to.throw('none of etcd');
  });
});
