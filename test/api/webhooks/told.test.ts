import { createHmac } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { type Temporary, temporaryFolder } from '../../support/temporary.js';
import { until } from '../../support/until.js';
import { type TestApi, testApi } from '../support.js';
import { type Got, receiver, SILENT } from './receiver.js';

const REPO = '/api/v1/repos/r';

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
