import { expect } from 'chai';
import { needs } from '../../support/needs/needs.js';
import { runCluster } from './run.js';

/** How long faults are made, s. */
const SECONDS = 5;

describe('many writers of a cluster', function () {
  this.timeout(300_000);

  it('are told the truth, whatever becomes of its servers, their disks, clocks and networks, and of etcd', async function () {
    needs(this, 'etcd');
    const { history, violations, phases } = await runCluster({ seed: 1, servers: 3, writers: 2, seconds: SECONDS });
    expect(violations.map(({ rule, what }) => `${rule}: ${what}`)).to.deep.equal([]);
    expect(phases.length).to.be.greaterThan(0);
    const told = history.writes.filter(({ outcome }) => outcome === 'acknowledged');
    expect(new Set(told.map(({ ns }) => ns))).to.deep.equal(new Set(['main', 'seq']));
  });
});
