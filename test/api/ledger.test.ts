import { once } from 'node:events';
import { expect } from 'chai';
import { get as httpGet, type IncomingMessage } from 'node:http';
import { until } from '../support/until.js';
import { World } from '../support/worlds/world.js';
import { type TestApi, testApi } from './support.js';

describe('api: ledgers of a Stargate', function () {
  this.timeout(120_000);
  let world: World;
  let t: TestApi;
  before(async () => {
    world = await World.create({ writers: ['ada', 'service'], strangers: ['mallory'], namespaces: ['main', 'ops'] });
    for (const person of ['ada', 'service']) await world.clone(person);
    await ok('ada', 'set', 'cfg:color', 'blue');
    await ok('ada', 'set', 'cfg:limits', '{"max":3}', '--ctype', 'application/json');
    await world.mirrored();
    const env = { GIT_KV_API_LEDGER_CLONE: world.clonePath('service'), GIT_KV_API_LEDGER_MAX_AGE: '1ms' };
    t = await testApi(env, undefined, world.env('service'));
  });
  after(async () => {
    await t?.close();
    await world?.close();
  });
  const ok = async (person: string, ...args: string[]): Promise<string> => {
    const ran = await world.kv(person, args);
    expect(ran.code, ran.stdout + ran.stderr).to.equal(0);
    return ran.stdout;
  };
  const KEYS = '/api/v1/kv/main/keys';

  it('reads a key with its facts, and its bytes alone; what the client has already is not sent again', async () => {
    const { status, body, headers } = await t.ask('GET', `${KEYS}/cfg:color`);
    expect(status, JSON.stringify(body)).to.equal(200);
    expect(body).to.include({ ns: 'main', key: 'cfg:color', value: 'blue', encoding: 'utf-8', size: 4, ttl: null });
    expect(headers['etag']).to.equal(`"${body.oid}"`);
    const again = await t.ask('GET', `${KEYS}/cfg:color`, undefined, { headers: { 'if-none-match': `"${body.oid}"` } });
    expect([again.status, again.body]).to.deep.equal([304, '']);
    const raw = await t.ask('GET', `${KEYS}/cfg%3Alimits?raw=true`);
    expect([raw.status, raw.headers['content-type']]).to.deep.equal([200, 'application/json']);
    expect(raw.body).to.deep.equal({ max: 3 });
    expect(raw.headers['content-security-policy']).to.contain('sandbox');
  });

  it('lists by prefix, page by page, now and then', async () => {
    const first = await t.ask('GET', `${KEYS}?prefix=cfg:&limit=1`);
    expect(first.body.keys.map((one: { key: string }) => one.key)).to.deep.equal(['cfg:color']);
    expect(first.body.next).to.equal('cfg:color');
    const second = await t.ask('GET', `${KEYS}?prefix=cfg:&limit=1&after=${first.body.next}`);
    expect(second.body).to.deep.include({ next: null });
    expect(second.body.keys[0]).to.include({ key: 'cfg:limits', size: 9, ctype: 'application/json' });
    const { txn } = (await t.ask('GET', `${KEYS}/cfg:color`)).body;
    expect((await t.ask('GET', `${KEYS}?at=${txn}`)).body.keys).to.have.length(1);
  });

  it('writes what this server signs, in the name of the user; others see it, and who it was', async () => {
    const put = await t.ask('PUT', `${KEYS}/cfg:color`, { value: 'green', message: 'spring' });
    expect(put.status, JSON.stringify(put.body)).to.equal(200);
    expect(put.body).to.deep.include({ ns: 'main', set: ['cfg:color'], del: [], warnings: [] });
    expect(await ok('ada', 'get', 'cfg:color', '--read-from=stargate')).to.equal('green');
    const { body } = await t.ask('GET', '/api/v1/kv/main/history/cfg:color?limit=1');
    const [last] = body.transactions;
    expect(last).to.include({ commit: put.body.commit, op: 'set', by: 'service', source: 'signature', subject: 'spring' });
    expect(last.body).to.equal('On-Behalf-Of: admin (token)');
  });

  it('writes on conditions: a blob, absence; and all or none', async () => {
    const { oid } = (await t.ask('GET', `${KEYS}/cfg:color`)).body;
    await ok('ada', 'set', 'cfg:color', 'red');
    const lost = await t.ask('PUT', `${KEYS}/cfg:color`, { value: 'x' }, { headers: { 'if-match': `"${oid}"` } });
    expect([lost.status, lost.body.code]).to.deep.equal([409, 'CONFLICT']);
    const there = await t.ask('PUT', `${KEYS}/cfg:color`, { value: 'x' }, { headers: { 'if-none-match': '*' } });
    expect(there.status).to.equal(409);
    const operations = [
      { op: 'set', key: 'cfg:a', value: '//4=', encoding: 'base64', ttl: 3600 },
      { op: 'del', key: 'cfg:limits' },
    ];
    const refused = await t.ask('POST', '/api/v1/kv/main/transactions', { operations, expect: { 'cfg:color': oid } });
    expect(refused.status).to.equal(409);
    const both = await t.ask('POST', '/api/v1/kv/main/transactions', { operations });
    expect([both.status, both.body.set, both.body.del]).to.deep.equal([201, ['cfg:a'], ['cfg:limits']]);
    const { body } = await t.ask('GET', `${KEYS}/cfg:a`);
    expect(body).to.include({ value: '//4=', encoding: 'base64' });
    expect(Date.parse(body.ttl) - Date.now()).to.be.within(3_500_000, 3_600_000);
    const gone = await t.ask('DELETE', `${KEYS}/cfg:a`, undefined, { headers: { 'if-match': '*' } });
    expect([gone.status, gone.body.del]).to.deep.equal([200, ['cfg:a']]);
    expect((await t.ask('GET', `${KEYS}/cfg:a`)).status).to.equal(404);
    expect((await t.ask('DELETE', `${KEYS}/cfg:a`)).status).to.equal(404);
  });

  it('streams the transactions that the Stargate accepts, and goes on where a client left off', async () => {
    const { server } = t.app;
    await t.app.listen({ host: '127.0.0.1', port: 0 });
    const { port } = server.address() as { port: number };
    const token = await t.login('admin', t.password);
    const watch = async (last: string | undefined, until: (text: string) => boolean): Promise<string> => {
      const headers = { authorization: `Bearer ${token}`, ...(last === undefined ? {} : { 'last-event-id': last }) };
      const request = httpGet({ port, host: '127.0.0.1', path: '/api/v1/kv/main/watch?prefix=cfg:', headers });
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      expect(response.statusCode).to.equal(200);
      let text = '';
      let set = false;
      for await (const bytes of response) {
        text += String(bytes);
        if (!set && last === undefined) await ok('ada', 'set', 'cfg:seen', 'yes');
        set = true;
        if (until(text)) break;
      }
      request.destroy();
      return text;
    };
    const { body } = await t.ask('GET', '/api/v1/kv/main/history/cfg:color?limit=1');
    const [{ commit }] = body.transactions as [{ commit: string }];
    const fresh = await watch(undefined, (text) => text.includes('cfg:seen'));
    expect(fresh).to.match(
      /id: [0-9a-f]{40}\nevent: transaction\ndata: \{"ns":"main",.*"keys":\{"set":\["cfg:seen"\],"del":\[\]\}/,
    );
    const resumed = await watch(commit, (text) => text.includes('cfg:seen'));
    expect(resumed.match(/"commit":"[0-9a-f]{40}"/g)?.length).to.be.greaterThan(1);
  });

  it('says what cannot be: keys, namespaces, a state, a watch, and a Stargate that does not take its signature', async () => {
    expect((await t.ask('GET', `${KEYS}/none`)).status).to.equal(404);
    expect((await t.ask('GET', '/api/v1/kv/Other/keys')).status).to.equal(400);
    expect((await t.ask('GET', `${KEYS}/a%00b`)).status).to.equal(400);
    expect((await t.ask('GET', `${KEYS}/cfg:color?at=never`)).status).to.equal(400);
    // Told in the stream where the clone takes longer to find out than an answer waits.
    const unknown = { headers: { 'last-event-id': 'f'.repeat(40) } };
    await until('a watch from nowhere is not found', async () => {
      const { status, body } = await t.ask('GET', '/api/v1/kv/main/watch', undefined, unknown);
      if (status !== 404) expect([status, body]).to.deep.equal([200, ':\n\nevent: lost\ndata: {}\n\n']);
      return status === 404;
    });
    const lines = await t.ask('PUT', `${KEYS}/cfg:color`, { value: 'x', message: 'a\n\nKV-Txn: 01K8ZVM3M0QJ3T0S6V9Q3D5N7R' });
    expect(lines.status).to.equal(400);
    await world.git(world.clonePath('service'), 'service', ['config', 'user.signingKey', world.key('mallory', '.pub')]);
    const other = await testApi({ GIT_KV_API_LEDGER_CLONE: world.clonePath('service') }, undefined, world.env('service'));
    try {
      const refused = await other.ask('PUT', '/api/v1/kv/ops/keys/cfg:x', { value: '1' });
      expect([refused.status, refused.body.code]).to.deep.equal([502, 'NOT_ADMITTED']);
    } finally {
      await other.close();
    }
  });

  it('is 501 where no clone is named', async () => {
    const other = await testApi();
    try {
      const { status, body } = await other.ask('GET', `${KEYS}/cfg:color`);
      expect([status, body.code]).to.deep.equal([501, 'NOT_SUPPORTED']);
    } finally {
      await other.close();
    }
  });
});
