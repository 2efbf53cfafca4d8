import { expect } from 'chai';
import type { Replica } from '../../../../../domain/gateway/replicate/replica.js';
import * as cluster from './steps.js';
import { answers, ended, HEAD, hear, kinds, leader, only, propose, proposalOf, read, serverOf, ticks } from './steps.js';

const ENTRY = cluster.entryOf({ term: 4 });
const AFTER = cluster.headAfter(ENTRY);
const refused = (detail: string) => [['T1', { outcome: 'refused', because: 'not-leader', detail }]];

/** A server that was deciding when it lost the lock. */
function inDoubt(): Replica {
  const server = leader();
  propose(server, proposalOf());
  ended(server);
  hear(server, 'b', cluster.voteFor(ENTRY));
  expect(answers(server.step({ kind: 'lost' })), 'nobody knows').to.deep.equal([]);
  return server;
}

describe('a proposal of which nobody knows whether it was decided', () => {
  it('is told as accepted where it turns out to be at its place', () => {
    const server = inDoubt();
    expect(kinds(server.step({ kind: 'learned', head: AFTER }))).to.deep.equal(['apply']);
    expect(answers(ended(server))).to.deep.equal([['T1', { outcome: 'accepted', sequence: 5 }]]);
    expect(server.state.doubtful).to.deep.equal([]);
  });

  it('is told as refused where another one is at its place', () => {
    const server = inDoubt();
    const other = cluster.entryOf({ id: 'T9', term: 5, updates: [{ ref: 'refs/heads/x', old: null, next: cluster.OID }] });
    const head = cluster.headAfter(other);
    server.step({ kind: 'learned', head });
    hear(server, 'b', { kind: 'tail', head, entries: [other] });
    expect(answers(ended(server))).to.deep.equal(refused('another leader has decided otherwise'));
  });

  it('is told as refused once a later term has begun without it, and not before', () => {
    const server = inDoubt();
    expect(answers(server.step({ kind: 'learned', head: { ...HEAD, term: 4 } })), 'its own term').to.deep.equal([]);
    expect(answers(server.step({ kind: 'learned', head: { ...HEAD, term: 5 } }))).to.deep.equal(
      refused('another leader has begun without it'),
    );
    const gone = inDoubt();
    const later = { sequence: 5, term: 6, digest: cluster.OTHER, members: HEAD.members };
    expect(answers(gone.step({ kind: 'learned', head: later })), 'somebody is at its place; who, the entries tell').to.deep.equal(
      [],
    );
  });

  it('stays unknown where the history has gone over its place unseen', () => {
    const server = inDoubt();
    const head = { sequence: 9, term: 5, digest: cluster.OTHER, members: HEAD.members };
    server.step({ kind: 'learned', head });
    const standing = { sequence: 9, digest: cluster.OTHER, members: HEAD.members };
    expect(kinds(hear(server, 'b', { kind: 'snapshot', head, standing }))).to.deep.equal(['install']);
    expect(answers(ended(server))).to.deep.equal([['T1', { outcome: 'unknown' }]]);
    expect(answers(server.step({ kind: 'tick' })), 'once').to.deep.equal([]);
  });

  it('is told as refused where this server has claimed its own term anew without it', () => {
    const server = inDoubt();
    const asked = server.step({ kind: 'won', term: 4, attempts: 1 });
    const claimed = read(server, asked, { head: { ...HEAD, term: 4 }, revision: 'r' });
    const effects = cluster.decided(server, claimed);
    expect(answers(effects)).to.deep.equal(refused('this server has begun anew without it'));
    expect(only(effects, 'drop').entry).to.deep.equal(ENTRY);
  });

  it('is not told as refused by a claim whose head shows it', () => {
    const server = inDoubt();
    const asked = server.step({ kind: 'won', term: 4, attempts: 1 });
    expect(kinds(read(server, asked, { head: AFTER, revision: 'r' }))).to.deep.equal(['apply']);
    const effects = ended(server);
    expect(answers(effects)).to.deep.equal([['T1', { outcome: 'accepted', sequence: 5 }]]);
    expect(answers(cluster.decided(server, effects))).to.deep.equal([]);
  });

  it('is left alone by an entry at another place', () => {
    const server = inDoubt();
    server.step({ kind: 'won', term: 9 });
    const before = server.state.doubtful;
    expect(before.map(({ proposal }) => proposal)).to.deep.equal(['T1']);
  });
});

describe('a server that holds an entry and hears nothing', () => {
  const stored = cluster.entryOf();

  it('asks the decision log, at times', () => {
    const server = serverOf('b', { prepared: stored });
    expect(ticks(server, 35).map(({ at, effects }) => [at, kinds(effects)])).to.deep.equal([[10, ['read']]]);
    const again = serverOf('b', { prepared: stored });
    const [first] = ticks(again, 10);
    expect(read(again, first?.effects ?? [], 'unreachable')).to.deep.equal([]);
    expect(ticks(again, 10).map(({ at }) => at)).to.deep.equal([10]);
  });

  it('asks nothing where it hears its leader, holds nothing, or leads itself', () => {
    const heard = serverOf('b', { prepared: stored });
    ticks(heard, 5);
    hear(heard, 'a', { kind: 'outcome', term: 3, head: HEAD, settled: 0 });
    expect(ticks(heard, 9), 'heard at 5').to.deep.equal([]);
    expect(ticks(heard, 6).map(({ at }) => at)).to.deep.equal([6]);
    expect(ticks(serverOf('b'), 40)).to.deep.equal([]);
    const leads = leader();
    propose(leads, proposalOf());
    expect(ticks(leads, 20).flatMap(({ effects }) => kinds(effects))).to.not.include('read');
    const takes = serverOf('b', { prepared: stored });
    read(takes, takes.step({ kind: 'won', term: 4 }), { head: HEAD, revision: 'r' });
    expect(ticks(takes, 20)).to.deep.equal([]);
  });

  it('asks too where it has a proposer to tell', () => {
    const server = inDoubt();
    server.step({ kind: 'learned', head: { ...HEAD, sequence: 5, digest: ENTRY.after, term: 4 } });
    ended(server);
    expect(ticks(server, 20), 'told').to.deep.equal([]);
    const doubtful = inDoubt();
    expect(ticks(doubtful, 10).map(({ at, effects }) => [at, kinds(effects)])).to.deep.equal([[10, ['read']]]);
  });

  it('forgets it where a later term has begun without it, not where it may still be decided', () => {
    const server = serverOf('b', { prepared: stored });
    expect(kinds(server.step({ kind: 'learned', head: HEAD }))).to.deep.equal([]);
    expect(server.step({ kind: 'learned', head: { ...HEAD, term: 4 } })).to.deep.equal([{ kind: 'drop', entry: stored }]);
    expect(server.state.prepared).to.equal(null);
    const decided = serverOf('b', { prepared: stored });
    const effects = decided.step({ kind: 'learned', head: { ...cluster.headAfter(stored), term: 4 } });
    expect(kinds(effects), 'decided, and claimed by a later term').to.deep.equal(['apply']);
  });

  it('forgets nothing that it is about to apply', () => {
    const server = serverOf('b', { prepared: stored });
    server.step({ kind: 'learned', head: cluster.headAfter(stored) });
    expect(server.state.op?.kind).to.equal('apply');
    expect(kinds(hear(server, 'a', { kind: 'outcome', term: 4, head: HEAD, settled: 9 }))).to.deep.equal(['send']);
    expect(server.state.prepared).to.equal(stored);
  });
});
