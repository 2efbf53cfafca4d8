import { expect } from 'chai';
import { KvError } from '../../../../../ports/error.js';
import { place, settled } from './turns-place.js';

describe('turns', () => {
  it('come in the order in which they were asked for, one at a time', async () => {
    const { turns, ask, had, clock, seen } = place();
    const asked = ['ada', 'bob', 'cy'].map((who) => ask(who));
    await settled();
    expect([had, seen.waiting, turns.status()]).to.deep.equal([['ada'], 2, [{ ns: 'main', waiting: 2, longestMs: 0 }]]);
    await clock.pass(400);
    for (const { turn } of asked) {
      const { token, over } = await turn;
      turns.begin(token)();
      expect(over.aborted).to.equal(true);
      await settled();
    }
    expect([had, seen.waits, seen.unused]).to.deep.equal([['ada', 'bob', 'cy'], [0, 400, 400], 0]);
    expect(turns.status()).to.deep.equal([]);
  });

  it('leave a key places for its pushes: no more of one stand in line than may', async () => {
    const { turns, ask, had } = place({}, 2);
    const [first] = [ask('ada'), ask('ada')];
    const third = await ask('ada').turn.catch((error: unknown) => error);
    expect(third).to.have.property('code', 'BUSY');
    expect(third).to.have.property('details').that.deep.equals({ standing: 2, turn_ms: 250 });
    ask('bob');
    const { token } = await (first as ReturnType<typeof ask>).turn;
    turns.begin(token)();
    await settled();
    ask('ada');
    await settled();
    expect([had, turns.status()[0]?.waiting]).to.deep.equal([['ada', 'bob'], 2]);
  });

  it('keep all others out of that namespace, and of no other', async () => {
    const { turns, ask } = place();
    const { token } = await ask('ada').turn;
    expect(() => turns.admit(['other', 'main'], undefined))
      .to.throw(KvError)
      .with.property('code', 'CAS_CONFLICT');
    expect(() => turns.admit(['main'], 'f'.repeat(32))).to.throw(KvError);
    turns.admit(['main', 'other'], token);
    turns.admit(['other'], undefined);
    turns.begin(token)();
    turns.admit(['main'], undefined);
  });

  it('end when nobody pushes in time, and are late for a push that has begun', async () => {
    const { turns, ask, clock, had, seen } = place();
    const [first, second] = [ask('ada'), ask('bob')];
    const ada = await first.turn;
    await clock.pass(9_999);
    expect(had).to.deep.equal(['ada']);
    await clock.pass(1);
    expect([had, ada.over.aborted, seen.unused]).to.deep.equal([['ada', 'bob'], true, 1]);
    expect(() => turns.admit(['main'], ada.token)).to.throw(KvError);
    const bob = await second.turn;
    const end = turns.begin(bob.token);
    await clock.pass(29_999);
    expect(bob.over.aborted).to.equal(false);
    await clock.pass(1);
    expect(bob.over.aborted).to.equal(true);
    end();
    expect(seen.unused).to.equal(2);
    expect(turns.begin(ada.token), 'a turn that is over').to.be.a('function');
  });

  it('pass by those who hang up, waiting or holding', async () => {
    const { turns, ask, had } = place();
    const [ada, bob, cy] = ['ada', 'bob', 'cy'].map((who) => ask(who));
    await settled();
    bob?.hangUp();
    expect(await bob?.turn.catch(({ code }: KvError) => code)).to.equal('INTERRUPTED');
    ada?.hangUp();
    await settled();
    expect(had).to.deep.equal(['ada', 'cy']);
    cy?.hangUp();
    expect(turns.status()).to.deep.equal([]);
    turns.admit(['main'], undefined);
    const late = new AbortController();
    late.abort();
    expect(await turns.take('main', 'late', late.signal).catch(({ code }: KvError) => code)).to.equal('INTERRUPTED');
    expect(turns.status()).to.deep.equal([]);
  });

  it('pass over whoever has let one go by, for a minute', async () => {
    const { ask, had, clock, turns } = place();
    const eve = [ask('eve'), ask('eve'), ask('eve')];
    const ada = ask('ada');
    await clock.pass(10_000);
    expect(had).to.deep.equal(['eve', 'ada']);
    turns.begin((await ada.turn).token)();
    await settled();
    expect(had, 'there is nobody else').to.deep.equal(['eve', 'ada', 'eve']);
    ask('bob');
    await clock.pass(10_000);
    expect(had).to.deep.equal(['eve', 'ada', 'eve', 'bob']);
    await clock.pass(10_000);
    expect(had, 'bob has let one go by too').to.deep.equal(['eve', 'ada', 'eve', 'bob', 'eve']);
    eve[2]?.hangUp();
  });

  it('are asked for by no more than may wait', async () => {
    const { ask } = place({ turnsWaiting: 2 });
    await ask('ada').turn;
    ask('bob');
    ask('cy');
    const { code, details } = (await ask('dan').turn.catch((error: unknown) => error)) as KvError;
    expect([code, details]).to.deep.equal(['BUSY', { standing: 2, turn_ms: 250 }]);
  });

  it('tell who finds the line full how long a turn takes of late', async () => {
    const { ask, clock, turns } = place({ turnsWaiting: 1 });
    for (const ms of [1250, 1250]) {
      const { token } = await ask('ada').turn;
      const end = turns.begin(token);
      await clock.pass(ms);
      end();
    }
    await ask('ada').turn;
    ask('bob');
    const { details } = (await ask('cy').turn.catch((error: unknown) => error)) as KvError;
    expect(details).to.deep.equal({ standing: 1, turn_ms: 610 });
  });

  it('leave nothing behind, whoever comes and goes', async () => {
    const { turns, ask, seen } = place();
    const crowd = Array.from({ length: 200 }, (_, i) => ask(`w${i}`, `ns${i % 5}`));
    await settled();
    for (const [i, { hangUp }] of crowd.entries()) if (i % 2 === 0) hangUp();
    for (const [i, { turn }] of crowd.entries()) if (i % 2 === 1) turns.begin((await turn).token)();
    expect([turns.status(), seen.waiting]).to.deep.equal([[], 0]);
    turns.admit(['ns0', 'ns1', 'ns2', 'ns3', 'ns4'], undefined);
  });
});
