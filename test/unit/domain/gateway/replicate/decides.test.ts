import { expect } from 'chai';
import type { Replica } from '../../../../../domain/gateway/replicate/replica.js';
import { RULES } from '../../../../../domain/gateway/replicate/rules.js';
import { AFTER, begun, ENTRY, leaderOf, proposed, voted } from './leading.js';
import * as cluster from './steps.js';
import {
  answers,
  ended,
  HEAD,
  hear,
  kinds,
  leader,
  MEMBERS,
  only,
  propose,
  proposalOf,
  sent,
  sentTo,
  START,
  ticks,
} from './steps.js';

describe('a leader that is asked to decide something', () => {
  it('proposes it to all and stores it itself, at once', () => {
    expect(propose(leader(), proposalOf())).to.deep.equal([
      { kind: 'send', to: 'b', message: { kind: 'prepare', entry: ENTRY, head: { ...HEAD, term: 4 } } },
      { kind: 'send', to: 'c', message: { kind: 'prepare', entry: ENTRY, head: { ...HEAD, term: 4 } } },
      { kind: 'store', entry: ENTRY },
    ]);
  });

  it('decides once a majority holds it, its own disk among them', () => {
    const server = leader();
    propose(server, proposalOf());
    expect(hear(server, 'b', cluster.voteFor(ENTRY)), 'one of three').to.deep.equal([]);
    expect(hear(server, 'c', cluster.voteFor(ENTRY)), 'two, not itself').to.deep.equal([]);
    const { token: _, ...decision } = only(ended(server), 'decide');
    expect(decision).to.deep.equal({ kind: 'decide', head: AFTER, after: 'next' });
  });

  it('decides with the votes that were asked for: its own, or one more', () => {
    expect(kinds(ended(begun({ ack: 'leader' })))).to.deep.equal(['decide']);
    const five = { sequence: 4, digest: START.digest, members: ['a', 'b', 'c', 'd', 'e'] };
    const standby = leaderOf(five, { ack: 'standby' });
    expect(kinds(ended(standby.server))).to.deep.equal([]);
    expect(kinds(hear(standby.server, 'd', cluster.voteFor(standby.entry)))).to.deep.equal(['decide']);
    const quorum = leaderOf(five, { ack: 'quorum' });
    ended(quorum.server);
    expect(kinds(hear(quorum.server, 'd', cluster.voteFor(quorum.entry)))).to.deep.equal([]);
    expect(kinds(hear(quorum.server, 'e', cluster.voteFor(quorum.entry)))).to.deep.equal(['decide']);
  });

  it('tells all what was decided, moves its refs, and answers when they have moved', () => {
    const { server, asked } = voted();
    expect(cluster.decided(server, asked)).to.deep.equal([
      { kind: 'send', to: 'b', message: { kind: 'outcome', term: 4, head: AFTER, settled: 1 } },
      { kind: 'send', to: 'c', message: { kind: 'outcome', term: 4, head: AFTER, settled: 1 } },
      { kind: 'apply', entries: [ENTRY], from: null },
    ]);
    expect(ended(server)).to.deep.equal([{ kind: 'answer', proposal: 'T1', answer: { outcome: 'accepted', sequence: 5 } }]);
  });

  it('decides one after the other, each on the one before', () => {
    const { server, asked } = voted();
    const next = proposalOf('T2', { updates: [{ ref: 'refs/heads/x', old: null, next: cluster.OID }] });
    expect(propose(server, next)).to.deep.equal([]);
    cluster.decided(server, asked);
    const begun = ended(server);
    expect(kinds(begun)).to.deep.equal(['answer', 'send', 'send', 'store']);
    const { entry } = only(begun, 'store');
    expect(entry).to.deep.include({ id: 'T2', sequence: 6, attempt: 2, term: 4, before: ENTRY.after, members: MEMBERS });
    expect(entry.after).to.equal(cluster.digest.after(ENTRY.after, next.updates));
    ended(server);
    const { head, after } = only(hear(server, 'c', cluster.voteFor(entry)), 'decide');
    expect([head, after]).to.deep.equal([cluster.headAfter(entry), 'next']);
  });

  it('refuses it where it does not lead, and names who does', () => {
    const asked = (server: Replica) => answers(propose(server, proposalOf()));
    const refused = (detail: string) => [['T1', { outcome: 'refused', because: 'not-leader', detail }]];
    expect(asked(cluster.serverOf('b'))).to.deep.equal(refused('the leader is not known'));
    const told = cluster.serverOf('b');
    hear(told, 'c', { kind: 'outcome', term: 3, head: HEAD, settled: 0 });
    expect(asked(told)).to.deep.equal(refused('the leader is c'));
  });
});

describe('a leader that decides', () => {
  it('asks what was decided where the head has moved, and finds its own decision there', () => {
    const { server, asked } = voted();
    const moved = cluster.decided(server, asked, { kind: 'moved' });
    expect(kinds(moved)).to.deep.equal(['read']);
    const made = cluster.read(server, moved, { head: AFTER, revision: 'earlier' });
    expect(kinds(made)).to.deep.equal(['send', 'send', 'apply']);
    expect(server.state.leading?.revision).to.equal('earlier');
    expect(answers(ended(server))).to.deep.equal([['T1', { outcome: 'accepted', sequence: 5 }]]);
  });

  it('takes no head for its own decision that is another', () => {
    for (const recorded of [
      null,
      'unreachable',
      { head: HEAD, revision: 'x' },
      { head: { ...AFTER, digest: cluster.OTHER }, revision: 'x' },
      { head: { ...AFTER, term: 3 }, revision: 'x' },
    ] as const) {
      const { server, asked } = voted();
      const told = cluster.read(server, cluster.decided(server, asked, { kind: 'moved' }), recorded);
      expect(sentTo(told, 'outcome'), JSON.stringify(recorded)).to.deep.equal([]);
      expect(answers(told)).to.deep.equal([]);
    }
  });

  it('tries the same again, at times, where nobody knows how it ended', () => {
    const { server, asked } = voted();
    expect(cluster.decided(server, asked, { kind: 'unknown' })).to.deep.equal([]);
    expect(hear(server, 'c', cluster.voteFor(ENTRY)), 'one vote more').to.deep.equal([]);
    const found = ticks(server, 3);
    expect(found.map(({ at }) => at)).to.deep.equal([3]);
    const { token, ...again } = only(found[0]?.effects ?? [], 'decide');
    expect(again).to.deep.equal({ kind: 'decide', head: AFTER, after: 'next' });
    expect(
      ticks(server, 6).flatMap(({ effects }) => kinds(effects)),
      'while it is under way',
    ).to.not.include('decide');
    expect(
      server.step({ kind: 'decided', token: token - 1, result: { kind: 'made', revision: 'x' } }),
      'an old token',
    ).to.deep.equal([]);
    expect(kinds(server.step({ kind: 'decided', token, result: { kind: 'made', revision: 'x' } }))).to.include('apply');
    expect(server.step({ kind: 'decided', token, result: { kind: 'made', revision: 'y' } }), 'a second time').to.deep.equal([]);
  });

  it('stops leading where it was fenced, and tells its proposer when the head tells it', () => {
    const { server, asked } = voted();
    propose(server, proposalOf('T2'));
    const queued = { outcome: 'refused', because: 'not-leader', detail: 'the lock was lost' };
    expect(cluster.decided(server, asked, { kind: 'fenced' })).to.deep.equal([
      { kind: 'answer', proposal: 'T2', answer: queued },
      { kind: 'release', why: 'the lock was lost' },
    ]);
    expect([server.state.leading, server.state.doubtful.length]).to.deep.equal([null, 1]);
    const because = { outcome: 'refused', because: 'not-leader', detail: 'another leader has begun without it' };
    expect(answers(server.step({ kind: 'learned', head: { ...HEAD, term: 5 } }))).to.deep.equal([['T1', because]]);
  });

  it('stops leading where what was decided could not be written here', () => {
    const { server, asked } = voted();
    cluster.decided(server, asked);
    const why = 'what was decided could not be written here';
    expect(ended(server, false)).to.deep.equal([
      { kind: 'answer', proposal: 'T1', answer: { outcome: 'accepted', sequence: 5 } },
      { kind: 'release', why },
    ]);
    expect(server.state.leading).to.equal(null);
  });

  it('aborts nothing that is in doubt; a rule that says otherwise is what the simulation must notice', () => {
    const server = proposed({}, { rules: { ...RULES, isInDoubt: (result) => result !== 'unknown' } });
    const asked = hear(server, 'b', cluster.voteFor(ENTRY));
    const detail = 'the decision log has not answered';
    expect(answers(cluster.decided(server, asked, { kind: 'unknown' }))).to.deep.equal([
      ['T1', { outcome: 'refused', because: 'no-quorum', detail }],
    ]);
  });

  it('hears late what it has asked for, and decides nothing twice', () => {
    const { server, asked } = voted();
    const moved = cluster.decided(server, asked, { kind: 'moved' });
    const again = ticks(server, 3).flatMap(({ effects }) => effects);
    expect(kinds(again), 'the head is still being read').to.deep.equal(['decide']);
    const found = cluster.read(server, moved, { head: AFTER, revision: 'r' });
    expect(kinds(found), 'the head tells what was decided, not who may go on: that is being asked').to.deep.equal(['apply']);
    const reread = cluster.decided(server, again, { kind: 'moved' });
    const third = ticks(server, 3).flatMap(({ effects }) => effects);
    expect(kinds(cluster.decided(server, third, { kind: 'made', revision: 's' }))).to.deep.equal(['send', 'send']);
    expect(cluster.read(server, reread, { head: AFTER, revision: 'r' }), 'it is made').to.deep.equal([]);
    expect(server.state.leading?.revision).to.equal('s');
    expect(answers(ended(server))).to.deep.equal([['T1', { outcome: 'accepted', sequence: 5 }]]);
    const { proposed: newest } = server.state;
    expect(newest, 'on which a term under the same lock counts on').to.deep.equal({ term: 4, attempt: 1 });
  });

  it('begins nothing while its disk is at work for what it has given up', () => {
    const server = leader();
    propose(server, proposalOf());
    propose(server, proposalOf('T2'));
    const refuse = (from: string, attempt: number) =>
      hear(server, from, { kind: 'refuse', reason: 'storage', term: 4, attempt, at: START });
    refuse('b', 1);
    expect(answers(refuse('c', 1))).to.have.length(1);
    expect(server.state.leading?.ballot).to.equal(null);
    const begun = ended(server);
    expect(only(begun, 'store').entry).to.deep.include({ id: 'T2', attempt: 2 });
    expect(kinds(begun)).to.deep.equal(['send', 'send', 'store']);
  });

  it('stores nothing that it has given up before its disk was free', () => {
    const server = leader();
    propose(server, proposalOf());
    ended(server, false);
    propose(server, proposalOf('T2')); // waits for the next tick
    expect(server.state.waiting?.entry.id).to.equal('T2');
    const refuse = (from: string) => hear(server, from, { kind: 'refuse', reason: 'storage', term: 4, attempt: 2, at: START });
    refuse('b');
    expect(answers(refuse('c'))).to.have.length(1);
    expect(server.state.waiting).to.equal(null);
    expect(kinds(server.step({ kind: 'tick' }))).to.deep.equal([]);
  });

  it('says where it stands at times, but not twice', () => {
    const server = leader();
    const outcome = { kind: 'outcome', term: 4, head: { ...HEAD, term: 4 }, settled: 0 };
    expect(ticks(server, 12).map(({ at, effects }) => [at, sent(effects)])).to.deep.equal([
      [
        5,
        [
          ['b', outcome],
          ['c', outcome],
        ],
      ],
      [
        10,
        [
          ['b', outcome],
          ['c', outcome],
        ],
      ],
    ]);
    propose(server, proposalOf());
    ended(server);
    const asked = hear(server, 'b', cluster.voteFor({ ...ENTRY }));
    cluster.decided(server, asked); // which all are told
    expect(ticks(server, 6).map(({ at }) => at)).to.deep.equal([5]);
  });
});
