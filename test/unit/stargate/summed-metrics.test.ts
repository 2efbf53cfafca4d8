import { expect } from 'chai';
import { createMetrics } from '../../../apps/stargate/metrics.js';
import { seldom } from '../../../apps/stargate/root/look-seldom.js';
import { SummedMetrics } from '../../../apps/stargate/root/summed-metrics.js';

describe('the metrics of many repositories', () => {
  const value = async (all: ReturnType<typeof createMetrics>, name: string): Promise<number> =>
    Number(new RegExp(`^${name}(?:{[^}]*})? (\\S+)$`, 'm').exec(await all.text())?.[1]);

  it('are sums of those that are open, and yes where it is yes for any', async () => {
    const all = createMetrics();
    const summed = new SummedMetrics(all);
    const [one, two] = [summed.of('ada/one'), summed.of('ada/two')];
    one.metrics.mirrorBacklog(3);
    two.metrics.mirrorBacklog(4);
    one.metrics.mirrorBacklog(2);
    two.metrics.role(true);
    one.metrics.role(false);
    for (const { metrics } of [one, two]) metrics.rejected('BUSY');
    expect(await value(all, 'stargate_mirror_backlog_size')).to.equal(6);
    expect(await value(all, 'stargate_ha_role')).to.equal(1);
    expect(await value(all, 'stargate_txn_rejected_total')).to.equal(2);
    expect(summed.count('role')).to.equal(1);
    two.forget();
    expect(await value(all, 'stargate_mirror_backlog_size')).to.equal(2);
    expect(await value(all, 'stargate_ha_role')).to.equal(0);
  });
});

describe('what is done at most once in a while', () => {
  it('is done once for all that come together, and again for who comes later', async () => {
    let done = 0;
    const look = seldom(async () => {
      done += 1;
    }, 30);
    await look();
    const began = performance.now();
    await Promise.all([look(), look(), look()]);
    expect(done).to.equal(2);
    expect(performance.now() - began).to.be.greaterThan(15);
  });
});
