import { expect } from 'chai';
import { healthMount } from '../../../apps/http/health-mount.js';
import { type HttpListener, listen } from '../../../apps/http/listen.js';
import { ask } from '../../http/support.js';
import { halfSentRequests } from './attacks/half-sent-requests.js';

describe('hostile: requests that are begun and not ended', function () {
  this.timeout(30_000);
  let listener: HttpListener;
  before(async () => {
    const well = async () => ({ reasons: [] });
    const metrics = { contentType: 'text/plain', text: async () => '' };
    listener = await listen([healthMount({ healthz: well, readyz: well, metrics })], { host: '127.0.0.1', port: 0 });
  });
  after(() => listener.close(0));

  it('keep nobody from being answered, not even from the same address', async () => {
    let over = false;
    const attack = halfSentRequests(listener, 5000).finally(() => {
      over = true;
    });
    const times: number[] = [];
    while (!over) {
      const started = performance.now();
      expect((await ask(listener.port, '/healthz')).status).to.equal(200);
      times.push(performance.now() - started);
      await new Promise((resolve) => setTimeout(resolve, 100)); // as a prober does
    }
    await attack;
    expect(Math.max(...times)).to.be.lessThan(1000);
  });
});
