import { expect } from 'chai';
import type { Effect } from '../../../../../domain/gateway/replicate/effects.js';
import type { Replica } from '../../../../../domain/gateway/replicate/replica.js';
import type { RecordedHead } from '../../../../../ports/stargate/decision-log.js';
import * as cluster from './steps.js';
import { answers, decided, ended, HEAD, hear, kinds, only, propose, proposalOf, read, serverOf, START, ticks } from './steps.js';

const RECORDED: RecordedHead = { head: HEAD, revision: 'first' };
const won = (server: Replica, term = 4, attempts?: number): readonly Effect[] =>
  server.step(attempts === undefined ? { kind: 'won', term } : { kind: 'won', term, attempts });
const released = (effects: readonly Effect[]): unknown => {
  const { kind: _, ...release } = only(effects, 'release');
  return release;
};

describe('a server that has won the lock', () => {
  it('reads the head, puts its term into it, and then leads', () => {
    const server = serverOf('a');
    const asked = won(server);
    expect(kinds(asked)).to.deep.equal(['read']);
    expect([server.state.term, server.state.takeover?.phase]).to.deep.equal([4, 'read']);
    const claimed = read(server, asked, RECORDED);
    const { token: _, ...claim } = only(claimed, 'decide');
    expect(claim).to.deep.equal({ kind: 'decide', head: { ...HEAD, term: 4 }, after: 'first' });
    expect(kinds(claimed)).to.deep.equal(['decide']);
    const outcome = { kind: 'outcome', term: 4, head: { ...HEAD, term: 4 }, settled: 0 } as const;
    expect(decided(server, claimed)).to.deep.equal([
      { kind: 'send', to: 'b', message: outcome },
      { kind: 'send', to: 'c', message: outcome },
    ]);
    const { leading, takeover, leader, known } = server.state;
    expect([takeover, leader, known]).to.deep.equal([null, 'a', { ...HEAD, term: 4 }]);
    expect(leading).to.deep.include({ head: { ...HEAD, term: 4 }, revision: 'next', attempt: 0, settled: 0, beat: 0 });
  });

  it('is not told by a head that was read before it held the lock', () => {
    const server = serverOf('a', { prepared: cluster.entryOf() });
    const before = ticks(server, 10).at(-1)?.effects ?? [];
    expect(kinds(before), 'in doubt').to.deep.equal(['read']);
    const asked = won(server);
    expect(read(server, before, RECORDED)).to.deep.equal([]);
    expect(kinds(read(server, asked, RECORDED))).to.deep.equal(['decide']);
  });

  it('gives it up where a term like that was seen, unless it was its own', () => {
    expect(released(won(serverOf('a'), 3))).to.deep.equal({ why: 'term 3 was seen, and the lock gave 3' });
    expect(released(won(serverOf('a'), 2))).to.deep.equal({ why: 'term 3 was seen, and the lock gave 2' });
    expect(released(won(serverOf('a'), 2, 7))).to.deep.equal({ why: 'term 3 was seen, and the lock gave 2' });
    expect(kinds(won(serverOf('a'), 3, 7))).to.deep.equal(['read']);
  });

  it('counts its attempts on, under a lock that it has led under before', () => {
    const stored = cluster.entryOf({ attempt: 7 });
    const server = serverOf('a', { prepared: stored });
    const claimed = read(server, won(server, 3, 7), RECORDED);
    const effects = decided(server, claimed);
    expect(only(effects, 'drop').entry).to.equal(stored);
    expect(server.state.leading).to.deep.include({ attempt: 7, settled: 7 });
    expect(only(propose(server, proposalOf('T2')), 'store').entry).to.deep.include({ term: 3, attempt: 8 });
  });

  it('gives it up where its history is another, or it has more than was decided', () => {
    const parted = serverOf('a');
    parted.step({ kind: 'learned', head: { ...HEAD, digest: cluster.OTHER } });
    const why = `entry 4 of this server has the digest ${START.digest}, and ${cluster.OTHER} was decided`;
    expect(released(won(parted))).to.deep.equal({ why });
    const more = serverOf('a');
    const found = read(more, won(more), { head: { ...HEAD, sequence: 2, digest: 'x' }, revision: 'r' });
    expect(released(found)).to.deep.equal({ why: 'this server has 4 entries, and 2 were decided' });
    expect([more.state.diverged !== null, more.mayLead, more.state.takeover]).to.deep.equal([true, false, null]);
  });

  it('gives it up where it is no member, or nothing was founded', () => {
    const stranger = serverOf('d');
    expect(released(read(stranger, won(stranger), RECORDED))).to.deep.equal({ why: 'this server is no member' });
    const early = serverOf('a');
    expect(released(read(early, won(early), null))).to.deep.equal({
      why: 'the cluster has decided nothing yet, and this server is not its founder',
    });
    expect([stranger.mayLead, early.mayLead, serverOf('d', { founder: true }).mayLead]).to.deep.equal([false, true, true]);
  });

  it('founds where nothing was decided; where something was, a founder is like others', () => {
    const founder = serverOf('a', { founder: true });
    const { head, after } = only(read(founder, won(founder), null), 'decide');
    expect([head, after]).to.deep.equal([{ ...HEAD, term: 4 }, null]);
    const stranger = serverOf('d', { founder: true });
    expect(released(read(stranger, won(stranger), RECORDED))).to.deep.equal({ why: 'this server is no member' });
  });

  it('hears a second word of the same lock without beginning anew, and of a later one anew', () => {
    const server = serverOf('a');
    const asked = won(server);
    expect(won(server)).to.deep.equal([]);
    decided(server, read(server, asked, RECORDED));
    expect(won(server)).to.deep.equal([]);
    expect(server.state.leading).to.not.equal(null);
    propose(server, proposalOf());
    const again = won(server, 5);
    const detail = 'term 5 has begun';
    expect(answers(again)).to.deep.equal([['T1', { outcome: 'refused', because: 'not-leader', detail }]]);
    expect([kinds(again), server.state.leader]).to.deep.equal([['answer', 'read'], null]);
  });

  it('reads again where nothing was read, at times, and one read at a time', () => {
    const server = serverOf('a');
    const asked = won(server);
    expect(ticks(server, 6), 'it is being read').to.deep.equal([]);
    expect(read(server, asked, 'unreachable')).to.deep.equal([]);
    const again = ticks(server, 3);
    expect(again.map(({ at, effects }) => [at, kinds(effects)])).to.deep.equal([[3, ['read']]]);
    expect(kinds(read(server, again[0]?.effects ?? [], RECORDED))).to.deep.equal(['decide']);
  });

  it('claims again where nobody knows how the claim ended, at times', () => {
    const server = serverOf('a');
    const claimed = read(server, won(server), RECORDED);
    expect(ticks(server, 6), 'it is under way').to.deep.equal([]);
    expect(decided(server, claimed, { kind: 'unknown' })).to.deep.equal([]);
    const again = ticks(server, 3);
    expect(again.map(({ at, effects }) => [at, kinds(effects)])).to.deep.equal([[3, ['decide']]]);
    expect(kinds(decided(server, again[0]?.effects ?? []))).to.deep.equal(['send', 'send']);
  });

  it('looks again where the head has moved: maybe by its own claim', () => {
    const server = serverOf('a');
    const claimed = read(server, won(server), RECORDED);
    const moved = decided(server, claimed, { kind: 'moved' });
    expect(kinds(moved)).to.deep.equal(['read']);
    const { head, after } = only(read(server, moved, { head: { ...HEAD, term: 4 }, revision: 'mine' }), 'decide');
    expect([head, after]).to.deep.equal([{ ...HEAD, term: 4 }, 'mine']);
  });

  it('gives it up where the claim was fenced, or a later term has claimed', () => {
    const server = serverOf('a');
    const claimed = read(server, won(server), RECORDED);
    expect(released(decided(server, claimed, { kind: 'fenced' }))).to.deep.equal({
      why: 'the lock was lost before the term began',
    });
    expect(server.state.takeover).to.equal(null);
    const late = serverOf('a');
    expect(released(read(late, won(late), { head: { ...HEAD, term: 9 }, revision: 'x' }))).to.deep.equal({
      why: 'term 9 has begun',
    });
    expect(late.state.takeover).to.equal(null);
  });

  it('ends with the lock, before its claim or behind it', () => {
    const server = serverOf('a');
    const asked = won(server);
    expect(server.step({ kind: 'lost' })).to.deep.equal([]);
    expect(read(server, asked, RECORDED)).to.deep.equal([]);
    const claimed = read(server, won(server, 5), RECORDED);
    server.step({ kind: 'lost' });
    expect(decided(server, claimed)).to.deep.equal([]);
    expect(server.state.leading).to.equal(null);
  });
});

describe('a server that has won the lock and is behind', () => {
  const [one, two] = cluster.chainOf(2);
  const BEHIND: RecordedHead = { head: cluster.headAfter(two as never), revision: 'r' };

  it('comes level first, and claims then', () => {
    const server = serverOf('a');
    const asked = read(server, won(server), BEHIND);
    expect(cluster.sent(asked)).to.deep.equal([
      ['b', { kind: 'fetch', from: { sequence: 4, digest: START.digest }, head: BEHIND.head }],
    ]);
    expect(kinds(hear(server, 'b', { kind: 'tail', head: BEHIND.head, entries: [one as never, two as never] }))).to.deep.equal([
      'apply',
    ]);
    expect(server.state.takeover?.phase).to.equal('level');
    const { head } = only(ended(server), 'decide');
    expect(head).to.deep.equal({ ...BEHIND.head, term: 4 });
  });

  it('does not claim while its disk is at work', () => {
    const server = serverOf('a');
    const asked = won(server);
    hear(server, 'b', { kind: 'prepare', entry: cluster.entryOf({ term: 4 }), head: HEAD });
    expect(server.state.op?.kind).to.equal('store');
    expect(kinds(read(server, asked, RECORDED))).to.deep.equal([]);
    expect(kinds(ended(server))).to.deep.equal(['send', 'decide']);
  });

  it('gives the lock up where it can not come level in time, for another that may hear more', () => {
    const server = serverOf('a');
    read(server, won(server), BEHIND);
    const effects = ticks(server, 50).flatMap((tick) => tick.effects);
    expect(kinds(effects)).to.not.include('release');
    const late = server.step({ kind: 'tick' });
    expect(released(late)).to.deep.equal({ why: 'what was decided could not be fetched from anybody', cutOff: true });
    const unread = serverOf('a');
    won(unread);
    expect(kinds(ticks(unread, 51).flatMap((tick) => tick.effects))).to.deep.equal(['release']);
    const claiming = serverOf('a');
    read(claiming, won(claiming), RECORDED);
    expect(kinds(ticks(claiming, 60).flatMap((tick) => tick.effects)), 'a claim is waited for').to.deep.equal([]);
  });
});
