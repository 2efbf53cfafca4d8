import { expect } from 'chai';
import type { Effect, Proposal } from '../../../../../domain/gateway/replicate/effects.js';
import { changed } from '../../../../../domain/gateway/replicate/leader/membership.js';
import type { Replica } from '../../../../../domain/gateway/replicate/replica.js';
import { leaderOf } from './leading.js';
import * as cluster from './steps.js';
import { answers, ended, HEAD, hear, kinds, leader, MEMBERS, only, propose, proposalOf, sentTo, START } from './steps.js';

const AT = { sequence: START.sequence, digest: START.digest };
const change = (how: NonNullable<Proposal['change']>, id = 'M1'): Proposal => proposalOf(id, { change: how, updates: [] });
const add = (server: Replica, id = 'd') => propose(server, change({ add: id }));
const remove = (server: Replica, id: string) => propose(server, change({ remove: id }));
const report = (server: Replica, from: string, more: { at?: typeof AT; diverged?: string; term?: number } = {}) =>
  hear(server, from, { kind: 'report', term: 4, at: AT, diverged: null, ...more });
const refused = (detail: string, because = 'members') => [['M1', { outcome: 'refused', because, detail }]];

describe('a change of the members', () => {
  it('leads to one more, one less, or the same list', () => {
    expect(changed(MEMBERS, proposalOf())).to.equal(MEMBERS);
    expect(changed(['b', 'c'], change({ add: 'a' }))).to.deep.equal(['a', 'b', 'c']);
    expect(changed(MEMBERS, change({ add: 'b' }))).to.equal(MEMBERS);
    expect(changed(MEMBERS, change({ remove: 'b' }))).to.deep.equal(['a', 'c']);
    expect(changed(MEMBERS, change({ remove: 'd' }))).to.equal(MEMBERS);
    expect(changed(['a'], change({ remove: 'a' }))).to.deep.equal(['a']);
    expect(changed(['a', 'b'], change({ remove: 'a' }))).to.deep.equal(['b']);
  });

  it('is refused where it changes nothing, or removes the leader', () => {
    const server = leader();
    expect(answers(add(server, 'b'))).to.deep.equal(refused('b is a member'));
    expect(answers(remove(server, 'd'))).to.deep.equal(refused('d is no member'));
    expect(answers(remove(server, 'a'))).to.deep.equal(refused('a leads: hand leadership over first'));
    expect(add(server)).to.deep.equal([]);
    expect(answers(add(server))).to.deep.equal(refused('d is joining'));
  });

  it('is an entry that needs the majority before and after, whatever was asked for', () => {
    const server = leader();
    const { entry } = only(propose(server, { ...change({ remove: 'b' }), ack: 'leader' }), 'store');
    expect(entry).to.deep.include({ members: ['a', 'c'], updates: [], before: START.digest });
    const move = { ref: 'members', old: 'a b c', next: 'a c' };
    expect(entry.after).to.equal(cluster.digest.after(START.digest, [move]));
    expect(kinds(ended(server)), 'one of three').to.deep.equal([]);
    expect(kinds(hear(server, 'b', cluster.voteFor(entry))), 'two of three, but one of the two after').to.deep.equal([]);
    const asked = hear(server, 'c', cluster.voteFor(entry));
    expect(only(asked, 'decide').head).to.deep.equal({ sequence: 5, term: 4, digest: entry.after, members: ['a', 'c'] });
    expect(
      sentTo(cluster.decided(server, asked), 'outcome'),
      'b, which is gone, is told while the entry is at work',
    ).to.deep.equal(['c']);
    ended(server);
    expect(server.state.applied.members).to.deep.equal(['a', 'c']);
  });
});

describe('a server that is to be added', () => {
  /** Ticks during which it says where it stands, so that it is heard. */
  const outcomes = (effects: readonly Effect[]) => sentTo(effects, 'outcome');

  it('is told what was decided, and is a member once it has come level', () => {
    const server = leader();
    add(server);
    expect(cluster.ticks(server, 5).map(({ effects }) => outcomes(effects))).to.deep.equal([['b', 'c', 'd']]);
    expect(report(server, 'd', { at: { sequence: 2, digest: 'x' } }), 'not level').to.deep.equal([]);
    const begun = report(server, 'd', { at: { sequence: 3, digest: 'x' } });
    expect(sentTo(begun, 'prepare')).to.deep.equal(['b', 'c', 'd']);
    const { entry } = only(begun, 'store');
    expect(entry.members).to.deep.equal(['a', 'b', 'c', 'd']);
    ended(server);
    expect(kinds(hear(server, 'b', cluster.voteFor(entry))), 'two of four').to.deep.equal([]);
    cluster.decided(server, hear(server, 'd', cluster.voteFor(entry)));
    expect(answers(ended(server))).to.deep.equal([['M1', { outcome: 'accepted', sequence: 5 }]]);
    expect([...(server.state.leading?.joining ?? [])]).to.deep.equal([]);
    expect(answers(add(server))).to.deep.equal(refused('d is a member'));
  });

  it('is queued behind what was proposed before, once', () => {
    const server = leader();
    add(server);
    const { entry } = only(propose(server, proposalOf()), 'store');
    ended(server);
    expect(report(server, 'd')).to.deep.equal([]);
    expect(report(server, 'd')).to.deep.equal([]);
    expect(server.state.leading?.queue.map(({ id }) => id)).to.deep.equal(['M1']);
    cluster.decided(server, hear(server, 'b', cluster.voteFor(entry)));
    expect(only(ended(server), 'store').entry).to.deep.include({ id: 'M1', sequence: 6 });
    expect([...(server.state.leading?.joining.keys() ?? [])], 'under way').to.deep.equal(['d']);
    expect(answers(add(server))).to.deep.equal(refused('d is joining'));
  });

  it('may be asked for again where its entry found no majority', () => {
    const server = leader();
    add(server);
    report(server, 'd');
    ended(server);
    for (const from of ['b', 'c']) hear(server, from, { kind: 'refuse', reason: 'storage', term: 4, attempt: 1, at: START });
    expect([...(server.state.leading?.joining.keys() ?? [])]).to.deep.equal([]);
    expect(only(add(server), 'store').entry, 'it is level').to.deep.include({ attempt: 2, sequence: 5 });
  });

  it('is refused where it does not come level in time', () => {
    const server = leader();
    add(server);
    expect(cluster.ticks(server, 600).flatMap(({ effects }) => answers(effects))).to.deep.equal([]);
    expect(answers(server.step({ kind: 'tick' }))).to.deep.equal(refused('d has not come level in time', 'not-level'));
    expect(outcomes(cluster.ticks(server, 5).at(-1)?.effects ?? [])).to.deep.equal(['b', 'c']);
  });

  it('is not level where it was not heard of late, has another history, or says so', () => {
    const server = leader();
    report(server, 'd');
    cluster.ticks(server, 10);
    expect(kinds(add(server)), 'heard 10 ticks ago').to.include('store');
    const late = leader();
    report(late, 'd');
    cluster.ticks(late, 11);
    expect(kinds(add(late)), 'heard 11 ticks ago').to.deep.equal([]);
    for (const odd of [{ diverged: 'by hand' }, { at: { sequence: 4, digest: cluster.OTHER } }]) {
      const one = leader();
      add(one);
      expect(report(one, 'd', odd), JSON.stringify(odd)).to.deep.equal([]);
    }
  });

  it('is refused with its leader', () => {
    const server = leader();
    add(server);
    expect(answers(server.step({ kind: 'lost' }))).to.deep.equal(refused('the lock was lost', 'not-leader'));
    const queued = leader();
    add(queued);
    propose(queued, proposalOf());
    report(queued, 'd');
    expect(
      answers(queued.step({ kind: 'lost' })).map(([id]) => id),
      'each once',
    ).to.deep.equal(['T1', 'M1']);
  });
});

describe('what a leader hears of the others', () => {
  const peer = (server: Replica, id: string) => server.state.leading?.peers.get(id);

  it('is where they stand, in its own term', () => {
    const server = leader();
    cluster.ticks(server, 2);
    report(server, 'b');
    expect(peer(server, 'b')).to.deep.equal({ at: AT, heard: cluster.BEGUN + 2, diverged: null });
    report(server, 'b', { diverged: 'by hand', at: { sequence: 4, digest: cluster.OTHER } });
    expect(peer(server, 'b')?.diverged).to.equal('by hand');
    report(server, 'c', { at: { sequence: 4, digest: cluster.OTHER } });
    expect(peer(server, 'c')?.diverged).to.equal(`entry 4 has the digest ${cluster.OTHER} there`);
    report(server, 'c', { at: { sequence: 3, digest: cluster.OTHER } });
    expect(peer(server, 'c'), 'of another place nothing is known').to.deep.include({ diverged: null });
    report(server, 'd', { term: 3 });
    expect(peer(server, 'd')).to.equal(undefined);
  });

  it('ends its term where a later one was seen', () => {
    const release = { kind: 'release', why: 'term 9 has begun' };
    const reported = leader();
    expect(report(reported, 'b', { term: 9 })).to.deep.equal([release]);
    expect([reported.state.term, reported.state.leading]).to.deep.equal([9, null]);
    const refusedBy = leader();
    expect(hear(refusedBy, 'b', { kind: 'refuse', reason: 'older-term', term: 9, attempt: 1, at: START })).to.deep.equal([
      release,
    ]);
    const learnt = leader();
    expect(learnt.step({ kind: 'learned', head: { ...HEAD, term: 9 } })).to.deep.equal([release]);
    const led = leader();
    propose(led, proposalOf());
    const told = hear(led, 'b', { kind: 'outcome', term: 9, head: HEAD, settled: 0 });
    const detail = 'server b has seen term 9';
    expect(answers(told)).to.deep.equal([['T1', { outcome: 'refused', because: 'not-leader', detail }]]);
    expect(led.state.leader).to.equal('b');
  });

  it('takes a vote back from whoever has lost its disk since', () => {
    const five = { ...START, members: ['a', 'b', 'c', 'd', 'e'] };
    const votesAfter = (word: Parameters<typeof hear>[2], sequence = 4): string[] => {
      const { server, entry } = leaderOf(five, {});
      ended(server);
      hear(server, 'b', cluster.voteFor(entry));
      expect([...(server.state.leading?.ballot?.votes ?? [])], String(sequence)).to.deep.equal(['a', 'b']);
      hear(server, 'b', word);
      return [...(server.state.leading?.ballot?.votes ?? [])];
    };
    const nothing = { sequence: -1, digest: '' };
    const before = { sequence: 3, digest: 'x' };
    for (const at of [nothing, before]) {
      expect(votesAfter({ kind: 'report', term: 4, at, diverged: null })).to.deep.equal(['a']);
      expect(votesAfter({ kind: 'fetch', from: at, head: HEAD })).to.deep.equal(['a']);
      expect(votesAfter({ kind: 'refuse', reason: 'behind', term: 4, attempt: 1, at })).to.deep.equal(['a']);
    }
    expect(votesAfter({ kind: 'report', term: 4, at: AT, diverged: null })).to.deep.equal(['a', 'b']);
  });

  it('keeps a vote that was counted where it is being decided', () => {
    const server = leader();
    const { entry } = only(propose(server, proposalOf()), 'store');
    ended(server);
    hear(server, 'b', cluster.voteFor(entry));
    report(server, 'b', { at: { sequence: -1, digest: '' } });
    expect([...(server.state.leading?.ballot?.votes ?? [])]).to.deep.equal(['a', 'b']);
  });

  it('notes a refusal of this attempt alone, and of whom it is', () => {
    const server = leader();
    propose(server, proposalOf());
    ended(server);
    const refuse = (from: string, reason: 'diverged' | 'digest' | 'storage' | 'behind', attempt = 1) =>
      hear(server, from, { kind: 'refuse', reason, term: 4, attempt, at: AT });
    refuse('b', 'storage', 7);
    expect([...(server.state.leading?.ballot?.refusals ?? [])]).to.deep.equal([]);
    expect(peer(server, 'b')).to.deep.equal({ at: AT, heard: cluster.BEGUN, diverged: null });
    refuse('b', 'digest');
    expect(peer(server, 'b')?.diverged).to.equal('refused an entry: digest');
    refuse('b', 'diverged');
    expect(peer(server, 'b')?.diverged).to.equal('refused an entry: diverged');
    expect([...(server.state.leading?.ballot?.refusals ?? [])]).to.deep.equal([['b', 'diverged']]);
    expect(hear(cluster.serverOf('c'), 'b', { kind: 'refuse', reason: 'behind', term: 3, attempt: 1, at: AT })).to.deep.equal([]);
  });

  it('does not put itself among the others', () => {
    const server = leader();
    propose(server, proposalOf());
    ended(server, false);
    expect(peer(server, 'a')).to.equal(undefined);
  });
});
