import { expect } from 'chai';
import { ENTRY, leaderOf, proposed } from './leading.js';
import * as cluster from './steps.js';
import { answers, ended, HEAD, hear, kinds, leader, only, propose, proposalOf, sent, sentTo, START, ticks } from './steps.js';

describe('a leader that gets no votes', () => {
  it('asks again whoever is silent or behind, and nobody who has answered', () => {
    const silent = ticks(proposed(), 9);
    expect(silent.map(({ at, effects }) => [at, sentTo(effects, 'prepare')])).to.deep.equal([
      [3, ['b', 'c']],
      [5, []], // where it stands
      [6, ['b', 'c']],
      [9, ['b', 'c']],
    ]);
    const five = { ...START, members: ['a', 'b', 'c', 'd', 'e'] };
    const { server, entry } = leaderOf(five, {});
    ended(server);
    const refuse = (from: string, reason: 'behind' | 'storage') =>
      hear(server, from, { kind: 'refuse', reason, term: 4, attempt: 1, at: START });
    hear(server, 'b', cluster.voteFor(entry));
    refuse('c', 'storage');
    refuse('d', 'behind');
    const [again] = ticks(server, 3);
    expect(sent(again?.effects ?? [])).to.deep.equal([
      ['d', { kind: 'prepare', entry, head: { ...five, term: 4 } }],
      ['e', { kind: 'prepare', entry, head: { ...five, term: 4 } }],
    ]);
  });

  it('gives up at once where no majority is left, and says who is missing and why', () => {
    const server = proposed();
    const refuse = (from: string) => hear(server, from, { kind: 'refuse', reason: 'storage', term: 4, attempt: 1, at: START });
    expect(refuse('b'), 'c may still vote').to.deep.equal([]);
    const detail = '1 of 3 servers have voted, 2 must: without b (storage), c (storage)';
    const outcome = { kind: 'outcome', term: 4, head: { ...HEAD, term: 4 }, settled: 1 } as const;
    expect(refuse('c')).to.deep.equal([
      { kind: 'drop', entry: ENTRY },
      { kind: 'answer', proposal: 'T1', answer: { outcome: 'refused', because: 'no-quorum', detail } },
      { kind: 'send', to: 'b', message: outcome },
      { kind: 'send', to: 'c', message: outcome },
    ]);
    expect(server.state.leading?.ballot).to.equal(null);
    const again = only(propose(server, proposalOf('T2')), 'store').entry;
    expect(again).to.deep.include({ attempt: 2, sequence: 5, before: START.digest });
  });

  it('waits for who is behind, for as long as a vote may take', () => {
    const server = proposed();
    for (const from of ['b', 'c']) hear(server, from, { kind: 'refuse', reason: 'behind', term: 4, attempt: 1, at: START });
    const found = ticks(server, 31).filter(({ effects }) => answers(effects).length > 0);
    expect(found.map(({ at }) => at)).to.deep.equal([31]);
    const detail = '1 of 3 servers have voted, 2 must: without b (behind), c (behind)';
    expect(answers(found[0]?.effects ?? [])).to.deep.equal([['T1', { outcome: 'refused', because: 'no-quorum', detail }]]);
    expect(kinds(found[0]?.effects ?? []), 'it is heard').to.not.include('release');
  });

  it('gives up at once where its own disk does not hold it', () => {
    const server = leader();
    propose(server, proposalOf());
    const detail = 'the leader could not store it: storage';
    expect(answers(ended(server, false))).to.deep.equal([['T1', { outcome: 'refused', because: 'storage', detail }]]);
    expect(server.state.leading?.settled).to.equal(1);
    propose(server, proposalOf('T2'));
    expect(
      server.step({ kind: 'tick' }).map(({ kind }) => kind),
      'the disk is asked again',
    ).to.include('store');
  });

  it('leaves the lock to others when a majority is silent, once in a while', () => {
    const server = proposed();
    const why = 'a majority of the servers is not heard';
    const detail = '1 of 3 servers have voted, 2 must: without b (silent), c (silent)';
    const silent = ticks(server, 31).at(-1)?.effects ?? [];
    expect(answers(silent)).to.deep.equal([['T1', { outcome: 'refused', because: 'no-quorum', detail }]]);
    expect(silent.at(-1)).to.deep.equal({ kind: 'release', why, cutOff: true });
    expect([server.state.leading, server.state.yielded]).to.deep.equal([null, cluster.BEGUN + 31]);
  });

  it('does not leave it again for 300 ticks, since it may be the one that is left', () => {
    /** What it says to a proposal that nobody votes for, so many ticks after it has left the lock. */
    const silentAfter = (since: number): string[] => {
      const server = proposed();
      ticks(server, 31);
      cluster.decided(server, cluster.read(server, server.step({ kind: 'won', term: 5 }), { head: HEAD, revision: 'x' }));
      ticks(server, since - 31);
      propose(server, proposalOf('T2'));
      ended(server);
      return kinds(ticks(server, 31).at(-1)?.effects ?? []).filter((kind) => kind === 'answer' || kind === 'release');
    };
    expect(silentAfter(100)).to.deep.equal(['answer']);
    expect(silentAfter(299)).to.deep.equal(['answer']);
    expect(silentAfter(300)).to.deep.equal(['answer', 'release']);
  });

  it('may leave the lock again once something was decided', () => {
    const server = proposed();
    ticks(server, 31);
    cluster.decided(server, cluster.read(server, server.step({ kind: 'won', term: 5 }), { head: HEAD, revision: 'x' }));
    const { entry } = only(propose(server, proposalOf('T2')), 'store');
    ended(server);
    cluster.decided(server, hear(server, 'b', cluster.voteFor(entry)));
    ended(server);
    propose(server, proposalOf('T3', { updates: [{ ref: 'refs/heads/y', old: null, next: cluster.OID }] }));
    ended(server);
    expect(ticks(server, 31).flatMap(({ effects }) => kinds(effects))).to.include('release');
  });

  it('keeps the lock where a majority was heard since, by whatever word', () => {
    const at = { sequence: 4, digest: START.digest };
    const words = [
      { kind: 'report', term: 4, at, diverged: null },
      { kind: 'refuse', reason: 'behind', term: 4, attempt: 1, at },
    ] as const;
    for (const word of words) {
      const server = proposed();
      ticks(server, 1);
      hear(server, 'c', word);
      const effects = ticks(server, 30).at(-1)?.effects ?? [];
      expect(answers(effects), word.kind).to.have.length(1);
      expect(kinds(effects), word.kind).to.not.include('release');
    }
    const early = leader();
    hear(early, 'c', words[0]);
    propose(early, proposalOf());
    ended(early);
    expect(kinds(ticks(early, 31).at(-1)?.effects ?? []), 'not since').to.include('release');
  });
});
