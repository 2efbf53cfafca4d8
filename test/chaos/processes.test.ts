import { expect } from 'chai';
import { check } from './check.js';
import { WorldRun } from './world-run.js';

describe('many writers of two ledgers, as processes', function () {
  this.timeout(240_000);

  it('are told the truth, while some of them and the Stargate are killed', async () => {
    const { history, ledgers, faults } = await WorldRun.of({ seed: 1, writers: 6, seconds: 3, least: 2, etcd: false });
    expect(check(history, ledgers).map(({ rule, what }) => `${rule}: ${what}`)).to.deep.equal([]);
    expect(faults['Stargate killed']).to.be.greaterThan(0);
    for (const { ns, entries } of ledgers) expect(entries.length, ns).to.be.at.least(2);
  });
});
