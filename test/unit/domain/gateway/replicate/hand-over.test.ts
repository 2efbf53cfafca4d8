import { expect } from 'chai';
import type { Replica } from '../../../../../domain/gateway/replicate/replica.js';
import { ENTRY, proposed } from './leading.js';
import * as cluster from './steps.js';
import { answers, ended, hear, kinds, leader, propose, proposalOf, START, ticks } from './steps.js';

describe('a leader that is to hand over', () => {
  const at = { sequence: 4, digest: START.digest };
  const report = (server: Replica, from: string) => hear(server, from, { kind: 'report', term: 4, at, diverged: null });
  const transfer = (server: Replica, to: string) => server.step({ kind: 'transfer', to });

  it('does so as soon as the other one is level', () => {
    const server = leader();
    expect(transfer(server, 'c')).to.deep.equal([]);
    expect(report(server, 'b')).to.deep.equal([]);
    expect(report(server, 'c')).to.deep.equal([
      { kind: 'send', to: 'c', message: { kind: 'stand', term: 4 } },
      { kind: 'release', why: 'c is to lead' },
    ]);
    expect(server.state.leading).to.equal(null);
  });

  it('first ends what is under way, and begins nothing more', () => {
    const server = proposed();
    report(server, 'c');
    expect(transfer(server, 'c')).to.deep.equal([]);
    propose(server, proposalOf('T2'));
    cluster.decided(server, hear(server, 'b', cluster.voteFor(ENTRY)));
    const effects = ended(server);
    expect(kinds(effects)).to.deep.equal(['answer', 'send', 'answer', 'release']);
    const refused = { outcome: 'refused', because: 'not-leader', detail: 'c is to lead' };
    expect(answers(effects)[1]).to.deep.equal(['T2', refused]);
  });

  it('goes on leading where the other one does not come level in time', () => {
    const server = leader();
    transfer(server, 'c');
    propose(server, proposalOf());
    expect(ticks(server, 30).flatMap(({ effects }) => kinds(effects))).to.not.include('store');
    expect(kinds(server.step({ kind: 'tick' }))).to.not.include('release');
    expect(server.state.leading?.transfer).to.equal(null);
    expect(kinds(server.step({ kind: 'tick' }))).to.include('store');
    expect(report(server, 'c')).to.deep.equal([]);
  });

  it('hands over to members alone, and not to itself', () => {
    for (const to of ['a', 'd']) {
      const server = leader();
      transfer(server, to);
      expect(server.state.leading?.transfer, to).to.equal(null);
    }
    expect(transfer(cluster.serverOf('b'), 'c')).to.deep.equal([]);
  });
});
