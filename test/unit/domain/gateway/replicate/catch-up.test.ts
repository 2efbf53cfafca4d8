import { expect } from 'chai';
import type { Effect } from '../../../../../domain/gateway/replicate/effects.js';
import type { Entry } from '../../../../../domain/gateway/replicate/entry.js';
import { answerFetch } from '../../../../../domain/gateway/replicate/follower/catch-up.js';
import { MOST_AT_ONCE } from '../../../../../domain/gateway/replicate/machine.js';
import type { Replica } from '../../../../../domain/gateway/replicate/replica.js';
import type { Head } from '../../../../../ports/stargate/decision-log.js';
import * as cluster from './steps.js';
import { chainOf, ended, HEAD, headAfter, hear, kinds, MEMBERS, only, sent, serverOf, START, ticks } from './steps.js';

const chain = chainOf(4) as [Entry, Entry, Entry, Entry];
const DECIDED = headAfter(chain[3]);
const learn = (server: Replica, head: Head = DECIDED): readonly Effect[] => server.step({ kind: 'learned', head });
/** A server that has asked for what it misses; `leader`: whom it knows. */
function asking(leader: string | null = 'a'): Replica {
  const server = serverOf('c');
  if (leader === null) learn(server);
  else hear(server, leader, { kind: 'outcome', term: 3, head: DECIDED, settled: 0 });
  return server;
}
const tail = (server: Replica, entries: readonly Entry[], { from = 'a', head = DECIDED as Head | null } = {}) =>
  hear(server, from, { kind: 'tail', head, entries });
const asked = (effects: readonly Effect[]): string[] => cluster.sentTo(effects, 'fetch');

describe('a server that is behind', () => {
  it('asks its leader for what follows where it stands', () => {
    const server = serverOf('c');
    expect(hear(server, 'a', { kind: 'outcome', term: 3, head: DECIDED, settled: 0 })).to.deep.equal([
      { kind: 'send', to: 'a', message: { kind: 'report', term: 3, at: START, diverged: null } },
      { kind: 'send', to: 'a', message: { kind: 'fetch', from: { sequence: 4, digest: START.digest }, head: DECIDED } },
    ]);
    expect(learn(server), 'one at a time').to.deep.equal([]);
  });

  it('asks the next one where nobody answers in time: the leader every other time, the rest in turn', () => {
    const server = asking();
    expect(ticks(server, 24).map(({ at, effects }) => [at, asked(effects)])).to.deep.equal([
      [6, ['a']],
      [12, ['a']],
      [18, ['b']],
      [24, ['a']],
    ]);
  });

  it('asks all the members in turn where no leader is known, and those that it knew before', () => {
    const server = serverOf('c');
    expect(asked(learn(server, { ...DECIDED, members: ['b', 'c', 'x'] }))).to.deep.equal(['b']);
    expect(ticks(server, 24).flatMap(({ effects }) => asked(effects))).to.deep.equal(['x', 'a', 'b', 'x']);
    const alone = serverOf('c', { applied: { ...START, members: ['c'] } });
    expect(learn(alone, { ...DECIDED, members: ['c'] }), 'nobody else is there').to.deep.equal([]);
  });

  it('asks nobody while its disk is at work, once it is level, or where its history is another', () => {
    const level = serverOf('c');
    expect(learn(level, HEAD)).to.deep.equal([]);
    const stores = serverOf('c');
    hear(stores, 'a', { kind: 'prepare', entry: cluster.entryOf(), head: HEAD });
    expect(learn(stores), 'it stores').to.deep.equal([]);
    expect(asked(ended(stores))).to.deep.equal(['a']);
    const parted = serverOf('c');
    learn(parted, { ...HEAD, digest: cluster.OTHER });
    expect(learn(parted)).to.deep.equal([]);
  });

  it('asks nobody for what its own disk holds', () => {
    const server = serverOf('c', { prepared: chain[0] });
    expect(kinds(learn(server, headAfter(chain[0])))).to.deep.equal(['apply']);
    const failing = serverOf('c', { prepared: chain[0] });
    learn(failing, headAfter(chain[0]));
    expect(ended(failing, false), 'the disk is asked again a tick later').to.deep.equal([]);
    expect(kinds(failing.step({ kind: 'tick' }))).to.deep.equal(['apply']);
  });

  it('applies what it gets, all that follows, at once', () => {
    const server = asking();
    expect(tail(server, chain)).to.deep.equal([{ kind: 'apply', entries: chain, from: 'a' }]);
    expect(ended(server)).to.deep.equal([]);
    expect(server.state.applied).to.deep.equal({ sequence: 8, digest: chain[3].after, members: MEMBERS });
    expect([server.state.fetch, server.state.askedOf.size]).to.deep.equal([null, 0]);
  });

  it('applies what its own disk holds without another one', () => {
    const server = serverOf('c', { prepared: chain[0] });
    learn(server);
    expect(tail(server, [chain[0]], { from: 'b' }), 'not asked').to.deep.equal([]);
    const from = server.state.fetch?.from as string;
    expect(only(tail(server, [chain[0]], { from }), 'apply')).to.deep.include({ from: null });
    const two = serverOf('c', { prepared: chain[0] });
    learn(two);
    const source = two.state.fetch?.from as string;
    expect(only(tail(two, chain.slice(0, 2), { from: source }), 'apply'), 'the second is not here').to.deep.include({
      from: source,
    });
  });

  it('passes over what it has, and stops where something does not follow', () => {
    const before = cluster.entryOf({ id: 'T0', sequence: 4, after: START.digest, before: cluster.OTHER });
    expect(only(tail(asking(), [before, ...chain]), 'apply').entries).to.deep.equal(chain);
    const [one, two, three] = chain;
    for (const [wrong, count] of [
      [[one, three], 1],
      [[one, { ...two, before: cluster.OTHER }, three], 1],
      [[one, { ...two, after: cluster.OTHER }, three], 1],
      [[one, { ...two, sequence: 7 }], 1],
      [[one, two, { ...three, updates: [] }], 2],
    ] as const)
      expect(only(tail(asking(), wrong), 'apply').entries).to.deep.equal(wrong.slice(0, count));
  });

  it('takes no entry at the place of the head that is not the head', () => {
    const server = serverOf('c');
    const other = { ...headAfter(chain[1]), digest: cluster.OTHER };
    learn(server, other);
    const from = server.state.fetch?.from as string;
    expect(only(tail(server, chain, { from, head: null }), 'apply').entries).to.deep.equal(chain.slice(0, 1));
  });

  it('asks the next one at once where an answer has nothing for it', () => {
    const server = asking();
    expect(asked(tail(server, [])), 'the leader every other time').to.deep.equal(['a']);
    expect(asked(tail(server, [chain[1]]))).to.deep.equal(['a']);
    expect(asked(tail(server, [chain[2]]))).to.deep.equal(['b']);
  });

  it('applies a thousand at a time, fewer after a failure, and more again after that', () => {
    const many = chainOf(2500);
    const last = headAfter(many.at(-1) as Entry);
    const server = serverOf('c');
    hear(server, 'a', { kind: 'outcome', term: 3, head: last, settled: 0 });
    const counts: number[] = [];
    const note = (effects: readonly Effect[]): void => {
      for (const effect of effects) if (effect.kind === 'apply') counts.push(effect.entries.length);
    };
    note(tail(server, many, { head: last }));
    note(ended(server));
    expect(server.state.fetch, 'more is to come').to.not.equal(null);
    note(ended(server));
    expect(server.state.fetch).to.equal(null);
    ended(server);
    expect(counts).to.deep.equal([MOST_AT_ONCE, MOST_AT_ONCE, 500]);
    expect(server.state.applied.sequence).to.equal(2504);
    const failing = serverOf('c');
    hear(failing, 'a', { kind: 'outcome', term: 3, head: last, settled: 0 });
    counts.length = 0;
    note(tail(failing, many, { head: last }));
    ended(failing, false);
    expect([failing.state.tail, failing.state.stride]).to.deep.equal([[], 500]);
    failing.step({ kind: 'tick' });
    note(tail(failing, many, { head: last }));
    note(ended(failing));
    note(ended(failing));
    ended(failing);
    expect(counts).to.deep.equal([1000, 500, 1000, 1000]);
  });

  it('tries one alone where even two are too many', () => {
    const server = serverOf('c');
    hear(server, 'a', { kind: 'outcome', term: 3, head: DECIDED, settled: 0 });
    const counts: number[] = [];
    for (let round = 0; round < 4; round++) {
      counts.push(only(tail(server, chain), 'apply').entries.length);
      ended(server, false);
      server.step({ kind: 'tick' });
    }
    expect(counts).to.deep.equal([4, 2, 1, 1]);
  });

  it('takes an answer that comes late, of whomever it has asked, and of nobody else', () => {
    const server = asking();
    ticks(server, 18); // b is asked now
    expect(kinds(tail(server, chain, { from: 'x' }))).to.deep.equal([]);
    expect(only(tail(server, chain, { from: 'a' }), 'apply').from, 'a has the objects').to.equal('a');
    expect(kinds(tail(server, chain, { from: 'b' })), 'the disk is at work').to.deep.equal([]);
  });

  it('puts all refs in the place of its own where the entries are gone', () => {
    const server = asking();
    const standing = { sequence: 7, digest: cluster.OTHER, members: ['a', 'c'] };
    expect(hear(server, 'a', { kind: 'snapshot', head: null, standing })).to.deep.equal([
      { kind: 'install', standing, from: 'a' },
    ]);
    expect(asked(ended(server)), 'what is left').to.deep.equal(['a']);
    expect(server.state.applied).to.deep.equal(standing);
    const failing = asking();
    hear(failing, 'a', { kind: 'snapshot', head: null, standing });
    ended(failing, false);
    expect(failing.state.applied).to.deep.equal(START);
  });

  it('installs nothing that is older, newer than what it knows, another at its place, or of somebody whom it has not asked', () => {
    const at = (sequence: number, digest = 'x') => ({ sequence, digest, members: MEMBERS });
    const snapshot = (standing: typeof START, from = 'a'): string[] =>
      kinds(hear(asking(), from, { kind: 'snapshot', head: null, standing })).filter((kind) => kind === 'install');
    expect(snapshot(at(4))).to.deep.equal([]);
    expect(snapshot(at(3))).to.deep.equal([]);
    expect(snapshot(at(9))).to.deep.equal([]);
    expect(snapshot(at(8))).to.deep.equal([]);
    expect(snapshot(at(7), 'b')).to.deep.equal([]);
    expect(snapshot(at(8, DECIDED.digest))).to.deep.equal(['install']);
    expect(snapshot(at(5))).to.deep.equal(['install']);
  });

  it('asks the next one where the asked one lacks it too', () => {
    const server = asking();
    expect(hear(server, 'b', { kind: 'lacking', head: null }), 'of another').to.deep.equal([]);
    hear(server, 'a', { kind: 'lacking', head: null });
    expect(ticks(server, 1).flatMap(({ effects }) => asked(effects))).to.deep.equal(['a']);
    const told = serverOf('c');
    hear(told, 'b', { kind: 'lacking', head: DECIDED });
    expect(told.state.known).to.deep.equal(DECIDED);
  });

  it('is quarantined where its history is not the one of whom it has asked', () => {
    const at = { sequence: 4, digest: START.digest };
    const part = (server: Replica, from: string, position: typeof at) => {
      hear(server, from, { kind: 'parted', head: null, from: position });
      return server.state.diverged;
    };
    expect(part(asking(), 'a', at)).to.equal(`entry 4 of this server (digest ${START.digest}) is not the one of server a`);
    expect(part(asking(), 'b', at), 'not asked').to.equal(null);
    expect(part(asking(), 'a', { ...at, digest: 'x' }), 'where it stood before').to.equal(null);
    expect(part(asking(), 'a', { ...at, sequence: 3 })).to.equal(null);
    const server = asking();
    part(server, 'a', at);
    expect([server.state.fetch, server.state.tail, server.mayLead]).to.deep.equal([null, [], false]);
    expect(ticks(server, 12)).to.deep.equal([]);
    expect(sent(hear(server, 'a', { kind: 'outcome', term: 3, head: DECIDED, settled: 0 }))[0]?.[1]).to.deep.include({
      kind: 'report',
      diverged: server.state.diverged,
    });
  });
});

describe('a server that is asked for what follows', () => {
  const fetch = (server: Replica, from = { sequence: 3, digest: 'x' }) => hear(server, 'b', { kind: 'fetch', from, head: HEAD });

  it('answers from its disk, and adds what it has stored only where that was decided', () => {
    const from = { sequence: 3, digest: 'x' };
    expect(fetch(serverOf('c'))).to.deep.equal([{ kind: 'serve', to: 'b', from, prepared: null, head: HEAD }]);
    expect(only(fetch(serverOf('c', { prepared: chain[0] })), 'serve').prepared, 'in doubt').to.equal(null);
    const server = serverOf('c', { prepared: chain[0] });
    learn(server, headAfter(chain[0]));
    expect(only(fetch(server), 'serve')).to.deep.include({ prepared: chain[0], head: headAfter(chain[0]) });
  });

  it('learns what the other one knows', () => {
    const server = serverOf('c');
    const effects = hear(server, 'b', { kind: 'fetch', from: { sequence: 8, digest: 'x' }, head: DECIDED });
    expect(only(effects, 'serve').head).to.deep.equal(DECIDED);
    expect(asked(effects)).to.have.length(1);
  });

  it('appends what it has stored to what follows, where it follows', () => {
    const standing = { sequence: 5, digest: chain[0].after, members: MEMBERS };
    const from = { sequence: 4, digest: START.digest };
    const history = { standing, digestThere: START.digest, after: [chain[0]] };
    const entries = (prepared: Entry | null, changed = {}): unknown => {
      const message = answerFetch(from, prepared, DECIDED, { ...history, ...changed });
      return message.kind === 'tail' ? [message.head, message.entries] : message;
    };
    expect(entries(chain[1])).to.deep.equal([DECIDED, [chain[0], chain[1]]]);
    expect(entries(null)).to.deep.equal([DECIDED, [chain[0]]]);
    expect(entries({ ...chain[1], before: 'x' })).to.deep.equal([DECIDED, [chain[0]]]);
    expect(entries({ ...chain[1], sequence: 7 })).to.deep.equal([DECIDED, [chain[0]]]);
    const level = { standing, digestThere: chain[0].after, after: [] };
    expect(answerFetch({ sequence: 5, digest: chain[0].after }, chain[1], null, level)).to.deep.equal({
      kind: 'tail',
      head: null,
      entries: [chain[1]],
    });
    expect(entries(null, { after: [] })).to.deep.equal({ kind: 'lacking', head: DECIDED });
    expect(entries(null, { after: null })).to.deep.equal({ kind: 'snapshot', head: DECIDED, standing });
    expect(entries(null, { digestThere: 'x' })).to.deep.equal({ kind: 'parted', head: DECIDED, from });
    expect(answerFetch({ sequence: 6, digest: 'x' }, null, null, { ...history, digestThere: null, after: null })).to.deep.equal({
      kind: 'lacking',
      head: null,
    });
  });
});
