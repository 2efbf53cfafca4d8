import { createHmac } from 'node:crypto';
import { appendFileSync, readFileSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { isPublic } from '../../apps/api/webhooks/address.js';
import { type Delivery, MemoryDeliveries } from '../../apps/api/webhooks/deliveries.js';
import { KeptDeliveries } from '../../apps/api/webhooks/kept-deliveries.js';
import { send, urlFault } from '../../apps/api/webhooks/send.js';
import { type Temporary, temporaryFolder } from '../support/temporary.js';
import { until } from '../support/until.js';
import { type TestApi, testApi } from './support.js';

const REPO = '/api/v1/repos/r';

interface Got {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** For a receiver that says nothing. */
const SILENT = 0;

/** A receiver of webhooks, which answers with the statuses that it is given, and then with 204. */
async function receiver(statuses: number[] = []): Promise<{ url: string; got: Got[]; server: Server; close(): Promise<void> }> {
  const got: Got[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => {
      got.push({ headers: request.headers, body });
      const status = statuses.shift() ?? 204;
      if (status === SILENT) return;
      response.writeHead(status, status === 302 ? { Location: '/elsewhere' } : {}).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    ...{ url: `http://127.0.0.1:${port}/hook`, got, server },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

describe('api: webhooks', function () {
  this.timeout(30_000);
  let folder: Temporary;
  let t: TestApi;
  let statuses: number[];
  let there: Awaited<ReturnType<typeof receiver>>;
  before(async () => {
    folder = await temporaryFolder();
    statuses = [];
    there = await receiver(statuses);
    t = await testApi({
      ...{ GIT_KV_API_DATA: folder.path, GIT_KV_API_WEBHOOKS_ALLOW_PRIVATE_ADDRESSES: 'true' },
      ...{ GIT_KV_API_WEBHOOKS_BACKOFF: '10ms', GIT_KV_API_WEBHOOKS_ATTEMPTS: '3' },
    });
  });
  after(async () => {
    await t.close();
    await there.close();
    await folder.remove();
  });
  beforeEach(async () => {
    await t.ask('POST', '/api/v1/repos', { id: 'r' });
    there.got.length = 0;
    statuses.length = 0;
  });
  afterEach(() => t.ask('DELETE', REPO));

  const commit = async (path: string, author = { name: 'Ada', email: 'ada@example.com' }) => {
    await t.ask('POST', `${REPO}/files`, { path, content: String(there.got.length) });
    return (await t.ask('POST', `${REPO}/commits`, { message: `Write ${path}`, author })).body.hash;
  };
  const make = async (more: object = {}) => (await t.ask('POST', `${REPO}/webhooks`, { url: there.url, ...more })).body;
  const deliveries = async (id: string) => (await t.ask('GET', `${REPO}/webhooks/${id}/deliveries`)).body.deliveries;

  it('tell what has moved, signed, and note it', async () => {
    const { id, secret } = await make();
    const hash = await commit('a/b.tf');
    await until('it was delivered', async () => (await deliveries(id))[0]?.state === 'delivered');
    const [{ headers, body }] = there.got as [Got];
    expect(headers['x-git-kv-signature-256']).to.equal(`sha256=${createHmac('sha256', secret).update(body).digest('hex')}`);
    expect(headers).to.include({ 'x-git-kv-event': 'commit', 'content-type': 'application/json' });
    expect(JSON.parse(body)).to.include({
      event: 'commit',
      repository: 'r',
      branch: 'main',
      new: hash,
      author: 'Ada',
      message: 'Write a/b.tf',
    });
    expect(JSON.parse(body).paths).to.deep.equal(['a/b.tf']);
    const [delivery] = await deliveries(id);
    expect(delivery.id).to.equal(headers['x-git-kv-delivery']);
    expect(delivery.attempts).to.have.length(1);
  });

  it('never show a secret again, and keep it for the owner of the folder', async () => {
    const made = await make({ secret: 'a secret of mine, long enough' });
    expect(made.secret).to.equal('a secret of mine, long enough');
    const changed = await t.ask('PUT', `${REPO}/webhooks/${made.id}`, { secret: 'another secret, long enough' });
    const answers = [changed, await t.ask('GET', `${REPO}/webhooks`), await t.ask('GET', `${REPO}/webhooks/${made.id}`)];
    for (const { status, body } of answers) {
      expect(status).to.equal(200);
      expect(JSON.stringify(body)).to.not.include('secret');
    }
    const file = join(folder.path, 'repos', 'r.git', 'git-kv-api.json');
    expect(statSync(file).mode & 0o777).to.equal(0o600);
    expect(readFileSync(file, 'utf8')).to.include('another secret');
    const by = { headers: { 'idempotency-key': 'k' } };
    const twice = [
      await t.ask('POST', `${REPO}/webhooks`, { url: there.url }, by),
      await t.ask('POST', `${REPO}/webhooks`, { url: there.url }, by),
    ];
    expect(twice[0]?.body.id, 'an answer with a secret is not kept').to.not.equal(twice[1]?.body.id);
  });

  it('try again after a failure, later each time, and give up', async () => {
    const { id } = await make();
    statuses.push(500, 429);
    await commit('x');
    await until('it was delivered', async () => (await deliveries(id))[0]?.state === 'delivered');
    const [again] = await deliveries(id);
    expect(again.attempts.map(({ status }: { status: number }) => status)).to.deep.equal([500, 429, 204]);
    expect(new Set(there.got.map(({ headers }) => headers['x-git-kv-delivery'])).size, 'the same delivery').to.equal(1);
    statuses.push(503, 503, 503, 503);
    await commit('y');
    await until('it was given up', async () => (await deliveries(id))[0]?.state === 'failed');
    expect((await deliveries(id))[0].attempts).to.have.length(3);
    statuses.length = 0;
    statuses.push(302);
    await commit('z');
    await until('a redirect is no success', async () => (await deliveries(id))[0]?.state === 'failed');
    expect((await deliveries(id))[0].attempts.map(({ status }: { status: number }) => status)).to.deep.equal([302]);
  });

  it('are told what they want to be told: by reason, branch, path and author', async () => {
    const wanted = await make({ events: ['commit'], path: '*.tf', author: 'ada@', branch: 'main' });
    const others = [
      await make({ path: '*.yaml' }),
      await make({ author: 'grace' }),
      await make({ branch: 'side' }),
      await make({ events: ['tag'] }),
      await make({ active: false }),
    ];
    await commit('k8s/x.tf');
    await until('it was delivered', async () => (await deliveries(wanted.id))[0]?.state === 'delivered');
    for (const { id } of others) expect(await deliveries(id)).to.deep.equal([]);
    const ping = await t.ask('POST', `${REPO}/webhooks/${others[0]?.id}/ping`);
    expect(ping.status).to.equal(202);
    await until('the ping has come', () => there.got.some(({ headers }) => headers['x-git-kv-event'] === 'ping'));
  });

  it('tell once more what they told, word for word, when asked to', async () => {
    const { id, secret } = await make();
    await commit('once');
    await until('it was delivered', async () => (await deliveries(id))[0]?.state === 'delivered');
    const [first] = await deliveries(id);
    const at = `${REPO}/webhooks/${id}/deliveries/${first.id}`;
    expect((await t.ask('GET', at)).body.body).to.equal(there.got[0]?.body);
    const again = await t.ask('POST', `${at}/redeliver`);
    expect([again.status, again.body.redelivery_of, again.body.state]).to.deep.equal([202, first.id, 'pending']);
    await until('it was delivered again', async () => (await deliveries(id))[0]?.state === 'delivered');
    const [, second] = there.got;
    expect([second?.body, second?.headers['x-git-kv-delivery']]).to.deep.equal([there.got[0]?.body, first.id]);
    expect(second?.headers['x-git-kv-signature-256']).to.equal(
      `sha256=${createHmac('sha256', secret)
        .update(second?.body ?? '')
        .digest('hex')}`,
    );
    const of = (await deliveries(id))[0].id;
    const third = await t.ask('POST', `${REPO}/webhooks/${id}/deliveries/${of}/redeliver`);
    expect(third.body.redelivery_of, 'the first of them').to.equal(first.id);
    expect((await t.ask('POST', `${REPO}/webhooks/${id}/deliveries/none/redeliver`)).status).to.equal(404);
    await until('it was delivered a third time', async () => (await deliveries(id))[0]?.state === 'delivered');
    statuses.push(SILENT);
    await t.ask('POST', `${REPO}/webhooks/${id}/ping`);
    const [pending] = await deliveries(id);
    expect((await t.ask('POST', `${REPO}/webhooks/${id}/deliveries/${pending.id}/redeliver`)).body.code).to.equal('CONFLICT');
    there.server.closeAllConnections(); // or the server waits for it when it ends
  });

  it('are not told any more once they are deleted', async () => {
    const { id } = await make();
    expect((await t.ask('DELETE', `${REPO}/webhooks/${id}`)).status).to.equal(200);
    expect((await t.ask('GET', `${REPO}/webhooks/${id}`)).status).to.equal(404);
    const other = await make();
    await commit('a');
    await until('the other was told', async () => (await deliveries(other.id))[0]?.state === 'delivered');
    expect(there.got.map(({ body }) => JSON.parse(body).webhook)).to.deep.equal([other.id]);
  });
});

describe('api: what was sent to webhooks', function () {
  this.timeout(30_000);

  it('is known after a restart, and what was not delivered goes on; of a repository in memory it is gone, and says so', async () => {
    const folder = await temporaryFolder();
    const statuses = [204];
    const there = await receiver(statuses);
    const env = { GIT_KV_API_DATA: folder.path, GIT_KV_API_WEBHOOKS_ALLOW_PRIVATE_ADDRESSES: 'true' };
    const first = await testApi({ ...env, GIT_KV_API_WEBHOOKS_BACKOFF: '1h', GIT_KV_API_JWT_SECRET: 's'.repeat(40) });
    const by = { token: await first.login('admin', first.password) };
    try {
      await first.ask('POST', '/api/v1/repos', { id: 'r' });
      await first.ask('POST', '/api/v1/repos', { id: 'm', memory_only: true });
      const { id } = (await first.ask('POST', `${REPO}/webhooks`, { url: there.url })).body;
      const own = (await first.ask('POST', '/api/v1/repos/m/webhooks', { url: there.url })).body;
      const log = (t: TestApi) => t.ask('GET', `${REPO}/webhooks/${id}/deliveries`, undefined, by);
      await first.ask('POST', `${REPO}/webhooks/${id}/ping`);
      await until('the first was delivered', async () => (await log(first)).body.deliveries[0].state === 'delivered');
      statuses.push(503);
      await first.ask('POST', `${REPO}/webhooks/${id}/ping`);
      await until('the second was tried', async () => (await log(first)).body.deliveries[0].attempts.length === 1);
      expect((await log(first)).body.kept).to.equal(true);
      const inMemory = await first.ask('GET', `/api/v1/repos/m/webhooks/${own.id}/deliveries`);
      expect(inMemory.body.kept).to.equal(false);
      await first.close();
      const second = await testApi({ ...env, GIT_KV_API_JWT_SECRET: 's'.repeat(40) });
      try {
        // Nobody asks for the repository: the server goes on by itself.
        await until('the second has come', () => there.got.length === 3);
        const states = async () => (await log(second)).body.deliveries.map(({ state }: { state: string }) => state);
        await until('that is noted', async () => (await states())[0] === 'delivered');
        const { deliveries, count } = (await log(second)).body;
        expect([count, ...(await states())]).to.deep.equal([2, 'delivered', 'delivered']);
        expect(deliveries[0].attempts.map(({ status }: { status: number }) => status)).to.deep.equal([503, 204]);
        expect(there.got[1]?.body, 'the same, to the byte').to.equal(there.got[2]?.body);
        const again = `${REPO}/webhooks/${id}/deliveries/${deliveries[1].id}/redeliver`;
        expect((await second.ask('POST', again, undefined, by)).status).to.equal(202);
        await until('it has come again', () => there.got.length === 4);
        expect(there.got[3]?.body).to.equal(there.got[0]?.body);
      } finally {
        await second.close();
      }
    } finally {
      await there.close();
      await folder.remove();
    }
  });

  it('is remembered within bounds: the newest of each webhook, and of bodies what there is room for', async () => {
    const folder = await temporaryFolder();
    const delivery = (n: number, more: Partial<Delivery> = {}): Delivery => ({
      ...{ id: `dlv_${n}`, webhook: n % 2 === 0 ? 'even' : 'odd', event: 'ping', createdAt: n, redeliveryOf: null },
      ...{ body: `${n}`.padEnd(20_000), state: 'delivered', attempts: [], ...more },
    });
    const path = join(folder.path, 'log');
    const faults: Error[] = [];
    try {
      for (const log of [new MemoryDeliveries(), new KeptDeliveries(path, (error) => faults.push(error))]) {
        log.note(delivery(0, { state: 'pending' }));
        for (let n = 1; n < 300; n++) log.note(delivery(n));
        const all = await log.all();
        const even = all.filter(({ webhook }) => webhook === 'even').map(({ id }) => id);
        // What has not ended is not forgotten.
        expect([even.length, even[0], even.at(-1)]).to.deep.equal([101, 'dlv_0', 'dlv_298']);
        expect([all[0]?.body?.length, all.at(-1)?.body?.trim()]).to.deep.equal([20_000, '299']);
        expect(all.filter(({ body }) => body !== null).length).to.be.lessThan(150);
        log.forget('even');
        expect((await log.all()).every(({ webhook }) => webhook === 'odd')).to.equal(true);
        await log.close();
        log.note(delivery(1000));
        expect(
          (await log.all()).some(({ id }) => id === 'dlv_1000'),
          'nothing is noted any more',
        ).to.equal(false);
      }
      expect(statSync(path).size).to.be.lessThan(3_000_000);
      // A line that a crash has torn costs none but itself.
      const before = await new KeptDeliveries(path, (error) => faults.push(error)).all();
      appendFileSync(path, '{"delivery":{"id":"to');
      const next = new KeptDeliveries(path, (error) => faults.push(error));
      next.note(delivery(301));
      expect((await next.all()).map(({ id }) => id).slice(-2)).to.deep.equal([before.at(-1)?.id, 'dlv_301']);
      expect(faults).to.deep.equal([]);
      const nowhere = new KeptDeliveries(join(folder.path, 'none', 'log'), (error) => faults.push(error));
      nowhere.note(delivery(1));
      expect(await nowhere.all()).to.deep.equal([]);
      expect(faults).to.have.length(1);
    } finally {
      await folder.remove();
    }
  });
});

describe('api: where webhooks may lead', () => {
  it('is the open network alone', () => {
    const no = [
      ...['0.0.0.0', '10.1.2.3', '100.64.0.1', '127.0.0.1', '127.9.9.9', '169.254.169.254', '172.16.0.1', '172.31.255.255'],
      ...['192.168.1.1', '192.0.0.1', '198.18.0.1', '224.0.0.1', '240.0.0.1', '255.255.255.255'],
      ...['::', '::1', 'fe80::1', 'fe80::1%eth0', 'fc00::1', 'fd12::1', 'ff02::1', '::ffff:127.0.0.1', '::ffff:8.8.8.8'],
      ...['64:ff9b::7f00:1', '2002:7f00:1::', '2001:0:7f00:1::', '2001:db8::1', 'localhost', ''],
    ];
    for (const address of no) expect(isPublic(address), address).to.equal(false);
    for (const address of ['8.8.8.8', '172.32.0.1', '192.169.0.1', '2606:4700::1111'])
      expect(isPublic(address), address).to.equal(true);
  });

  it('is looked at in every way to write an address', () => {
    const no = [
      ...[
        'http://127.0.0.1/',
        'http://0x7f.1/',
        'http://2130706433/',
        'http://017700000001/',
        'http://[::1]/',
        'http://[::ffff:7f00:1]/',
      ],
      ...[
        'http://169.254.169.254/latest/meta-data',
        'https://10.0.0.1:8443/',
        'ftp://example.com/',
        'file:///etc/passwd',
        'gopher://x/',
      ],
      ...['http://user:pass@example.com/', 'not a url', 'http://'],
    ];
    for (const url of no) expect(urlFault(url, false), url).to.be.a('string');
    for (const url of ['https://example.com/hook', 'http://8.8.8.8/']) expect(urlFault(url, false), url).to.equal(null);
    expect(urlFault('http://127.0.0.1/', true)).to.equal(null);
  });

  it('is judged by what a name resolves to, where the connection is made', async () => {
    const there = await receiver();
    try {
      const { port } = there.server.address() as AddressInfo;
      const url = `http://hook.example:${port}/`;
      let asked = 0;
      /** Resolves to something else each time, as who wants to get around a check does. */
      const lookup = (answers: readonly (readonly string[])[]) =>
        ((_name: string, options: { all?: boolean }, callback: (...told: unknown[]) => void) => {
          const addresses = (answers[asked++] ?? ['127.0.0.1']).map((address) => ({ address, family: 4 }));
          if (options.all === true) callback(null, addresses);
          else callback(null, addresses[0]?.address, 4);
        }) as NonNullable<Parameters<typeof send>[3]['lookup']>;
      for (const answers of [['127.0.0.1'], ['8.8.8.8', '10.0.0.1'], []]) {
        asked = 0;
        const sent = await send(url, {}, '{}', { timeout: 5000, allowPrivate: false, lookup: lookup([answers]) });
        expect(sent, answers.join()).to.include({ status: null, isRefused: true });
        expect(sent.error).to.include('private');
      }
      asked = 0;
      const allowed = await send(url, {}, '{}', {
        timeout: 5000,
        allowPrivate: true,
        lookup: lookup([['127.0.0.1'], ['8.8.8.8']]),
      });
      expect([allowed.status, asked], 'it is resolved once').to.deep.equal([204, 1]);
      expect(there.got).to.have.length(1);
    } finally {
      await there.close();
    }
  });

  it('is refused when a webhook is made, and when it is called', async () => {
    const t = await testApi();
    try {
      await t.ask('POST', '/api/v1/repos', { id: 'r' });
      for (const url of ['http://127.0.0.1:1/', 'http://[::1]/', 'http://user@example.com/'])
        expect((await t.ask('POST', `${REPO}/webhooks`, { url })).body.code, url).to.equal('INVALID_REQUEST');
      const { body } = await t.ask('POST', `${REPO}/webhooks`, { url: 'http://localhost:1/' });
      await t.ask('POST', `${REPO}/webhooks/${body.id}/ping`);
      const state = async () => (await t.ask('GET', `${REPO}/webhooks/${body.id}/deliveries`)).body.deliveries[0];
      await until('it has failed', async () => (await state()).state === 'failed');
      expect((await state()).attempts).to.have.length(1);
      expect((await state()).attempts[0].error).to.include('loopback');
    } finally {
      await t.close();
    }
  });
});
