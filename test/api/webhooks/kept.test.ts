import { appendFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { type Delivery, MemoryDeliveries } from '../../../apps/api/webhooks/deliveries.js';
import { KeptDeliveries } from '../../../apps/api/webhooks/kept-deliveries.js';
import { temporaryFolder } from '../../support/temporary.js';
import { until } from '../../support/until.js';
import { type TestApi, testApi } from '../support.js';
import { receiver } from './receiver.js';

const REPO = '/api/v1/repos/r';

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
