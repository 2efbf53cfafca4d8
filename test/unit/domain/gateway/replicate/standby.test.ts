import { expect } from 'chai';
import type { Entry } from '../../../../../domain/gateway/replicate/entry.js';
import type { Message } from '../../../../../domain/gateway/replicate/messages.js';
import type { Replica } from '../../../../../domain/gateway/replicate/replica.js';
import type { Head } from '../../../../../ports/stargate/decision-log.js';
import * as cluster from './steps.js';
import {
  chainOf,
  ended,
  entryOf,
  HEAD,
  headAfter,
  hear,
  kinds,
  leader,
  only,
  propose,
  proposalOf,
  sent,
  serverOf,
  START,
} from './steps.js';

const prepare = (server: Replica, entry: Entry, head: Head = HEAD, from = 'a') =>
  hear(server, from, { kind: 'prepare', entry, head });
const refuse = (reason: string, entry: Entry, more: { term?: number; at?: typeof START } = {}): [string, unknown] => [
  'a',
  { kind: 'refuse', reason, term: 3, attempt: entry.attempt, at: START, ...more },
];

describe('a standby that is asked to vote', () => {
  it('refuses an entry for its reason, with where it stands', () => {
    const asked = (entry: Entry) => sent(prepare(serverOf('b'), entry));
    const old = entryOf({ term: 2 });
    expect(asked(old)).to.deep.equal([refuse('older-term', old)]);
    for (const sequence of [3, 4]) expect(asked(entryOf({ sequence }))).to.deep.equal([refuse('stale', entryOf())]);
    const parted = entryOf({ before: cluster.OTHER });
    expect(asked(parted), 'its own history is the decided one').to.deep.equal([refuse('diverged', parted)]);
    expect(asked(entryOf({ after: cluster.OTHER }))).to.deep.equal([refuse('digest', entryOf())]);
    expect(asked(entryOf({ members: ['a', 'b'], after: entryOf().after })), 'the members count too').to.deep.equal([
      refuse('digest', entryOf()),
    ]);
  });

  it('takes whoever asks for its leader, in a later term too', () => {
    const server = serverOf('b');
    prepare(server, entryOf({ term: 5 }), HEAD, 'c');
    expect([server.state.term, server.state.leader]).to.deep.equal([5, 'c']);
    expect(sent(ended(server))).to.deep.equal([['c', cluster.voteFor(entryOf({ term: 5 }))]]);
    cluster.ticks(server, 4);
    prepare(server, entryOf({ term: 5, attempt: 2 }), HEAD, 'c');
    expect(server.state.heard).to.equal(4);
  });

  it('stores what was proposed later in the place of what it holds', () => {
    const server = serverOf('b', { prepared: entryOf() });
    const second = entryOf({ id: 'T2', attempt: 2 });
    expect(only(prepare(server, second), 'store').entry).to.equal(second);
    ended(server);
    const later = entryOf({ id: 'T3', term: 4 });
    expect(only(prepare(server, later), 'store').entry, "a later term's, whatever its attempt").to.equal(later);
    ended(server);
    expect(server.state.prepared).to.equal(later);
    expect(sent(prepare(server, later))).to.deep.equal([['a', cluster.voteFor(later)]]);
  });

  it('refuses what was proposed before what it holds', () => {
    const server = serverOf('b', { prepared: entryOf({ attempt: 2 }) });
    expect(sent(prepare(server, entryOf()))).to.deep.equal([refuse('stale', entryOf())]);
  });

  it('judges the newest of what comes while its disk is at work', () => {
    const server = serverOf('b');
    prepare(server, entryOf());
    const [second, third] = [2, 3].map((attempt) => entryOf({ id: `T${attempt}`, attempt })) as [Entry, Entry];
    expect(prepare(server, third)).to.deep.equal([]);
    expect(prepare(server, second)).to.deep.equal([]);
    const effects = ended(server);
    expect(kinds(effects)).to.deep.equal(['send', 'store']);
    expect(only(effects, 'store').entry).to.equal(third);
  });

  it('waits until the disk that has failed may be asked again', () => {
    const server = serverOf('b');
    prepare(server, entryOf());
    expect(sent(ended(server, false))).to.deep.equal([refuse('storage', entryOf())]);
    expect(prepare(server, entryOf()), 'in the same tick').to.deep.equal([]);
    expect(kinds(server.step({ kind: 'tick' }))).to.deep.equal(['store']);
  });

  it('says that it is behind, once each time that it is asked, and votes when it is level', () => {
    const [missed, next] = chainOf(2) as [Entry, Entry];
    const server = serverOf('b');
    expect(sent(prepare(server, next, headAfter(missed)))[0]).to.deep.equal(refuse('behind', next));
    expect(cluster.sentTo(server.step({ kind: 'tick' }), 'refuse'), 'said').to.deep.equal([]);
    expect(sent(prepare(server, next, headAfter(missed)))).to.deep.equal([refuse('behind', next)]);
    hear(server, 'a', { kind: 'tail', head: null, entries: [missed] });
    expect(kinds(ended(server))).to.deep.equal(['store']);
    expect(sent(ended(server))).to.deep.equal([['a', cluster.voteFor(next)]]);
  });

  it('is behind, and not of another history, while it knows of something that it misses', () => {
    const [, , , far] = chainOf(4) as [Entry, Entry, Entry, Entry];
    const server = serverOf('b');
    expect(sent(prepare(server, entryOf({ before: cluster.OTHER }), headAfter(far)))[0]).to.deep.equal(
      refuse('behind', entryOf()),
    );
    const ahead = serverOf('b');
    expect(sent(prepare(ahead, far))[0], 'of what comes before it has heard nothing').to.deep.equal(refuse('behind', far));
  });

  it('drops what waits once its leader has settled it', () => {
    const [missed, next] = chainOf(2) as [Entry, Entry];
    const waiting = (settled: number): unknown => {
      const server = serverOf('b');
      prepare(server, next, headAfter(missed));
      hear(server, 'a', { kind: 'outcome', term: 3, head: headAfter(missed), settled });
      return server.state.waiting?.entry ?? null;
    };
    expect(waiting(1)).to.equal(next);
    expect(waiting(2)).to.equal(null);
  });
});

describe('a standby that hears what was decided', () => {
  const outcome = (server: Replica, more: Partial<Extract<Message, { kind: 'outcome' }>> = {}, from = 'a') =>
    hear(server, from, { kind: 'outcome', term: 3, head: HEAD, settled: 0, ...more });

  it('says where it stands, and follows no leader of an older term', () => {
    const server = serverOf('b', { prepared: entryOf() });
    const report = ['a', { kind: 'report', term: 3, at: START, diverged: null }];
    expect(sent(outcome(server, { term: 2, settled: 9 }))).to.deep.equal([report]);
    expect([server.state.leader, server.state.prepared]).to.deep.equal([null, entryOf()]);
    expect(sent(outcome(server))).to.deep.equal([report]);
    expect(server.state.leader).to.equal('a');
    const told = outcome(serverOf('b'), { term: 2, head: headAfter(entryOf()) });
    expect(cluster.sentTo(told, 'fetch'), 'a head is a fact').to.have.length(1);
  });

  it('knows its leader in the term in which it leads', () => {
    const server = serverOf('b');
    outcome(server);
    server.step({ kind: 'learned', head: { ...HEAD, term: 4 } });
    expect([server.state.term, server.state.leader], 'nobody knows who leads in term 4').to.deep.equal([4, null]);
    outcome(server, { term: 4 }, 'c');
    hear(server, 'a', { kind: 'report', term: 4, at: START, diverged: null });
    hear(server, 'a', { kind: 'refuse', reason: 'stale', term: 4, attempt: 1, at: START });
    expect(server.state.leader).to.equal('c');
  });

  it('is not told that it may lead by a leader of another term', () => {
    const server = serverOf('b');
    expect(hear(server, 'a', { kind: 'stand', term: 3 })).to.deep.equal([{ kind: 'acquire' }]);
    for (const term of [2, 4]) expect(hear(server, 'a', { kind: 'stand', term })).to.deep.equal([]);
  });

  it('keeps its leader when its own lock is lost, and what that one asks of it', () => {
    const [missed, next] = chainOf(2) as [Entry, Entry];
    const server = serverOf('b');
    prepare(server, next, headAfter(missed));
    server.step({ kind: 'lost' });
    expect([server.state.leader, server.state.waiting?.entry]).to.deep.equal(['a', next]);
  });

  it('is its own leader no more once it has stopped, and asks its own disk for nothing', () => {
    const server = leader();
    server.step({ kind: 'tick' });
    propose(server, proposalOf());
    ended(server, false);
    propose(server, proposalOf('T2')); // waits for the disk
    server.step({ kind: 'lost' });
    expect([server.state.leader, server.state.waiting]).to.deep.equal([null, null]);
  });

  it('passes over a word of the disk that it has not asked', () => {
    expect(ended(serverOf('b'))).to.deep.equal([]);
    expect(ended(serverOf('b'), false)).to.deep.equal([]);
  });

  it('gives the first reason for which its history is another', () => {
    const server = serverOf('b');
    server.step({ kind: 'learned', head: { ...HEAD, digest: cluster.OTHER } });
    const why = server.state.diverged;
    server.step({ kind: 'learned', head: { ...HEAD, term: 4, digest: 'x' } });
    expect([why, server.state.diverged]).to.deep.equal([why, why]);
  });

  it('applies nothing once its history is another', () => {
    const server = serverOf('b', { prepared: entryOf() });
    server.step({ kind: 'learned', head: { ...HEAD, digest: cluster.OTHER } });
    expect(kinds(server.step({ kind: 'learned', head: headAfter(entryOf()) }))).to.deep.equal([]);
    expect(sent(prepare(server, entryOf({ attempt: 2 })))).to.deep.equal([refuse('diverged', entryOf({ attempt: 2 }))]);
  });

  it('applies what another server has in the place of what it holds itself', () => {
    const [one] = chainOf(1) as [Entry];
    const server = serverOf('b', { prepared: entryOf({ attempt: 9 }) });
    outcome(server, { head: headAfter(one) });
    expect(only(hear(server, 'a', { kind: 'tail', head: null, entries: [one] }), 'apply').from).to.equal('a');
    ended(server);
    server.step({ kind: 'tick' });
    expect(server.state.prepared, 'it is over').to.equal(null);
  });
});
