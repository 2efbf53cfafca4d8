import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { isPublic } from '../../../apps/api/webhooks/address.js';
import { send, urlFault } from '../../../apps/api/webhooks/send.js';
import { until } from '../../support/until.js';
import { testApi } from '../support.js';
import { receiver } from './receiver.js';

const REPO = '/api/v1/repos/r';

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
