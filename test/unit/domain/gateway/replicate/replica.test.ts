import { expect } from 'chai';
import { answerFetch } from '../../../../../domain/gateway/replicate/follower/catch-up.js';
import type { Effect, Input, Proposal } from '../../../../../domain/gateway/replicate/effects.js';
import { type Entry, NOTHING, type Standing } from '../../../../../domain/gateway/replicate/entry.js';
import type { Message } from '../../../../../domain/gateway/replicate/messages.js';
import { Replica } from '../../../../../domain/gateway/replicate/replica.js';
import { NO_TIPS } from '../../../../../domain/gateway/replicate/tips-digest.js';
import { digest, entryOf, HEAD as head, kinds, MEMBERS, OID, sent as sentWithPeers, serverOf, START } from './steps.js';

const replica = (self = 'b'): Replica => serverOf(self);
const from = (sender: string, message: Message): Input => ({ kind: 'message', from: sender, message });
const prepare = (entry: Entry, decided = head): Input => from('a', { kind: 'prepare', entry, head: decided });
const sent = (effects: readonly Effect[]): Message[] => sentWithPeers(effects).map(([, message]) => message);

describe('a replica that stands by', () => {
  it('votes once the entry is synced, with the digest of its own tips', () => {
    const one = replica();
    expect(kinds(one.step(prepare(entryOf())))).to.deep.equal(['store']);
    expect(sent(one.step({ kind: 'ended', ok: true }))).to.deep.equal([
      { kind: 'vote', term: 3, attempt: 1, sequence: 5, digest: entryOf().after },
    ]);
  });

  it('answers a prepare that comes again with its vote, and stores nothing twice', () => {
    const one = replica();
    one.step(prepare(entryOf()));
    one.step({ kind: 'ended', ok: true });
    const again = one.step(prepare(entryOf()));
    expect([kinds(again), sent(again)[0]?.kind]).to.deep.equal([['send'], 'vote']);
  });

  it('refuses what it must: an older term, an attempt that came late, a full disk, another digest', () => {
    const reasonOf = (effects: readonly Effect[]): unknown =>
      sent(effects).map((message) => ('reason' in message ? message.reason : message.kind));
    expect(reasonOf(replica().step(prepare(entryOf({ term: 2 }))))).to.deep.equal(['older-term']);
    const late = replica();
    late.step(prepare(entryOf({ attempt: 2, id: 'T2' })));
    late.step({ kind: 'ended', ok: true });
    expect(reasonOf(late.step(prepare(entryOf())))).to.deep.equal(['stale']);
    const full = replica();
    full.step(prepare(entryOf()));
    expect(reasonOf(full.step({ kind: 'ended', ok: false }))).to.deep.equal(['storage']);
    expect(reasonOf(replica().step(prepare(entryOf({ after: 'cd'.repeat(32) }))))).to.deep.equal(['digest']);
    expect(reasonOf(replica().step(prepare(entryOf({ sequence: 3 }))))).to.deep.equal(['stale']);
  });

  it('moves refs when it hears that what it stored was decided, and not before', () => {
    const one = replica();
    const entry = entryOf();
    one.step(prepare(entry));
    one.step({ kind: 'ended', ok: true });
    const decided = { ...head, sequence: 5, digest: entry.after };
    expect(kinds(one.step(from('a', { kind: 'outcome', term: 3, head, settled: 0 })))).to.deep.equal(['send']);
    expect(kinds(one.step(from('a', { kind: 'outcome', term: 3, head: decided, settled: 1 })))).to.deep.equal(['send', 'apply']);
    one.step({ kind: 'ended', ok: true });
    expect(one.state.applied).to.deep.equal({ sequence: 5, digest: entry.after, members: MEMBERS });
  });

  it('forgets what its leader has settled otherwise', () => {
    const one = replica();
    one.step(prepare(entryOf()));
    one.step({ kind: 'ended', ok: true });
    expect(kinds(one.step(from('a', { kind: 'outcome', term: 3, head, settled: 1 })))).to.deep.equal(['drop', 'send']);
  });

  it('is quarantined when its history is not the decided one: it votes no more, and never leads', () => {
    const one = replica();
    const effects = one.step(prepare(entryOf({ before: 'cd'.repeat(32) }), { ...head, digest: 'cd'.repeat(32) }));
    expect(one.state.diverged).to.include(`${'cd'.repeat(32)} was decided`);
    expect([kinds(effects), one.mayLead]).to.deep.equal([[], false]);
    expect(sent(one.step(prepare(entryOf()))).map((message) => 'reason' in message && message.reason)).to.deep.equal([
      'diverged',
    ]);
    expect(kinds(one.step({ kind: 'won', term: 9 }))).to.deep.equal(['release']);
  });

  it('takes what carries its own name for nothing', () => {
    const one = replica('a');
    expect(one.step(prepare(entryOf()))).to.deep.equal([]);
    expect(one.state.waiting).to.equal(null);
  });

  it('keeps a prepare that it is too far behind for, catches up, and votes then', () => {
    const one = replica();
    const missed = entryOf();
    const next = entryOf({
      id: 'T2',
      attempt: 2,
      sequence: 6,
      before: missed.after,
      updates: [{ ref: 'refs/heads/x', old: null, next: OID }],
    });
    const decided = { ...head, sequence: 5, digest: missed.after };
    const told = sent(one.step(prepare({ ...next, after: digest.after(next.before, next.updates) }, decided)));
    expect(told.map(({ kind }) => kind)).to.have.members(['refuse', 'fetch']);
    expect(kinds(one.step(from('a', { kind: 'tail', head: decided, entries: [missed] })))).to.deep.equal(['apply']);
    expect(kinds(one.step({ kind: 'ended', ok: true }))).to.deep.equal(['store']);
    expect(sent(one.step({ kind: 'ended', ok: true })).map(({ kind }) => kind)).to.deep.equal(['vote']);
  });

  it('takes no tail that does not lead from its own tips to what was decided', () => {
    const missed = entryOf();
    const decided = { ...head, sequence: 5, digest: missed.after };
    const asks = (): Replica => {
      const one = replica();
      one.step(from('a', { kind: 'outcome', term: 3, head: decided, settled: 1 }));
      return one;
    };
    for (const wrong of [{ ...missed, before: 'cd'.repeat(32) }, { ...missed, after: 'cd'.repeat(32) }, entryOf({ updates: [] })])
      expect(
        kinds(asks().step(from('a', { kind: 'tail', head: decided, entries: [wrong] }))),
        JSON.stringify(wrong),
      ).to.not.include('apply');
    expect(
      kinds(asks().step(from('c', { kind: 'tail', head: decided, entries: [missed] }))),
      'of a server that was not asked',
    ).to.not.include('apply');
  });
});

describe('a replica that is to lead', () => {
  it('gives the lock up where it is no member, where nothing was founded, or where a later term has begun', () => {
    const asked = (one: Replica, recorded: Parameters<typeof answer>[1], term = 4): string[] => {
      const [read] = one.step({ kind: 'won', term });
      return read?.kind === 'read' ? kinds(answer(one, recorded, read.token)) : [read?.kind ?? 'nothing'];
    };
    const answer = (one: Replica, recorded: Extract<Input, { kind: 'head' }>['recorded'], token: number): readonly Effect[] =>
      one.step({ kind: 'head', token, recorded });
    expect(asked(replica(), { head: { ...head, members: ['a', 'c'] }, revision: '1' })).to.deep.equal(['release']);
    expect(asked(replica(), null)).to.deep.equal(['release']);
    expect(asked(replica(), { head: { ...head, term: 8 }, revision: '1' })).to.deep.equal(['release']);
    expect(asked(replica(), null, 3), 'a term that is over').to.deep.equal(['release']);
    expect(asked(replica(), { head, revision: '1' })).to.deep.equal(['decide']);
  });

  it('founds a repository that nobody has decided anything of, when it is told to', () => {
    const founder = new Replica(
      { self: 'a', digestAfter: digest.after, founder: true },
      { term: 0, applied: START, prepared: null },
    );
    const [read] = founder.step({ kind: 'won', term: 1 });
    const effects = founder.step({ kind: 'head', token: read?.kind === 'read' ? read.token : 0, recorded: null });
    expect(effects).to.deep.include({ kind: 'decide', token: 2, head: { ...head, term: 1 }, after: null });
  });
});

describe('a replica that leads', () => {
  const updates = [{ ref: 'refs/kv/main', old: null, next: OID }];
  const proposal: Proposal = { id: 'T1', events: [], ack: 'quorum', updates };
  const vote = { kind: 'vote', term: 4, attempt: 1, sequence: 5, digest: entryOf().after } as const;
  const ticks = (one: Replica, count: number): Effect[] => Array.from({ length: count }, () => one.step({ kind: 'tick' })).flat();
  const answerIn = (effects: readonly Effect[]): unknown => effects.find((effect) => effect.kind === 'answer');

  /** Leads in term 4, and has stored its own entry. */
  function leading(): Replica {
    const one = replica('a');
    const [read] = one.step({ kind: 'won', term: 4 });
    const asked = one.step({
      kind: 'head',
      token: read?.kind === 'read' ? read.token : 0,
      recorded: { head, revision: '1' },
    });
    const token = asked.flatMap((effect) => (effect.kind === 'decide' ? [effect.token] : []))[0] ?? 0;
    one.step({ kind: 'decided', token, result: { kind: 'made', revision: '2' } });
    expect(kinds(one.step({ kind: 'propose', proposal }))).to.include('store');
    one.step({ kind: 'ended', ok: true });
    return one;
  }

  it('counts no vote for another term, attempt or digest, and says whose digest differs', () => {
    const one = leading();
    for (const wrong of [
      { ...vote, term: 3 },
      { ...vote, attempt: 2 },
      { ...vote, digest: 'cd'.repeat(32) },
    ])
      expect(kinds(one.step(from('b', wrong))), JSON.stringify(wrong)).to.deep.equal([]);
    const told = answerIn(one.step(from('c', { ...vote, digest: 'ef'.repeat(32) })));
    expect(told).to.deep.include({ proposal: 'T1' });
    expect(JSON.stringify(told))
      .to.contain('"because":"no-quorum"')
      .and.contain(`b (its digest is ${'cd'.repeat(32)})`)
      .and.contain(`c (its digest is ${'ef'.repeat(32)})`);
    const other = leading();
    expect(kinds(other.step(from('b', vote)))).to.deep.equal(['decide']);
    expect(kinds(other.step(from('b', vote))), 'the same again').to.deep.equal([]);
  });

  it('leaves the lock to others when a majority says nothing, once, and not where it is heard', () => {
    const alone = leading();
    const effects = ticks(alone, 31);
    expect(answerIn(effects)).to.deep.include({ proposal: 'T1' });
    expect(kinds(effects)).to.include('release');
    expect(alone.state.leading).to.equal(null);
    const heard = leading();
    heard.step(from('b', { kind: 'refuse', reason: 'storage', term: 4, attempt: 1, at: START }));
    expect(kinds(ticks(heard, 31)))
      .to.include('answer')
      .and.not.include('release');
  });
});

describe('the answer to whoever catches up', () => {
  const standing: Standing = { sequence: 9, digest: 'nine', members: MEMBERS };

  it('is what follows, all refs, nothing, or that the two have parted', () => {
    const entry = entryOf({ sequence: 9 });
    const ask = (digestThere: string | null, after: readonly Entry[] | null, sequence = 8): string =>
      answerFetch({ sequence, digest: 'eight' }, null, head, { standing, digestThere, after }).kind;
    expect(ask('eight', [entry])).to.equal('tail');
    expect(ask('other', [entry])).to.equal('parted');
    expect(ask('eight', null)).to.equal('snapshot');
    expect(ask('eight', [])).to.equal('lacking');
    expect(ask(null, [], 10)).to.equal('lacking');
    expect(answerFetch(NOTHING, null, head, { standing, digestThere: null, after: null }).kind).to.equal('snapshot');
  });
});

describe('the digest of tips', () => {
  it('depends on what the tips are, and on no order in which they came to be', () => {
    const tips = new Map([
      ['refs/kv/main', OID],
      ['refs/heads/x', 'cd'.repeat(20)],
    ]);
    const moves = [...tips].map(([ref, next]) => ({ ref, old: null, next }));
    expect(digest.after(NO_TIPS, moves)).to.equal(digest.of(tips));
    expect(digest.after(digest.after('', moves.slice(1)), moves.slice(0, 1))).to.equal(digest.of(tips));
    expect(digest.after(digest.of(tips), [{ ref: 'refs/heads/x', old: 'cd'.repeat(20), next: null }])).to.equal(
      digest.of(new Map([['refs/kv/main', OID]])),
    );
    expect(digest.of(tips)).to.match(/^[0-9a-f]{64}$/);
    expect(digest.of(new Map([['refs/kv/main', 'cd'.repeat(20)]]))).to.not.equal(digest.of(new Map([['refs/kv/main', OID]])));
  });
});
