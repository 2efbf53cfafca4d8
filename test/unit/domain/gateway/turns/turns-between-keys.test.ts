import { expect } from 'chai';
import { Random } from '../../../../simulation/random.js';
import { place, settled } from './turns-place.js';

/** A turn that none has been used before it is short when it lasts for so long. Milliseconds. */
const SHORT_MS = 500;

describe('turns between keys', () => {
  it('go round the keys that wait, and are first come, first served among those of one key', async () => {
    const { ask, had, turns } = place();
    const asked = ['eve', 'eve', 'eve', 'eve', 'ada', 'bob', 'ada'].map((who) => ask(who));
    for (const next of [0, 4, 5, 1, 6, 2, 3]) {
      const turn = await asked[next]?.turn;
      expect(turns.status()[0]?.waiting ?? 0, 'nobody else has one').to.equal(asked.length - had.length);
      turns.begin(turn?.token)();
      await settled();
    }
    expect(had).to.deep.equal(['eve', 'ada', 'bob', 'eve', 'ada', 'eve', 'eve']);
    expect(turns.status()).to.deep.equal([]);
  });

  it('do not come sooner to who hangs up and asks again', async () => {
    const { ask, had, turns, clock } = place();
    const held = await ask('bob').turn;
    const [left] = [ask('eve'), ask('ada')];
    left.hangUp();
    await clock.pass(100);
    ask('eve');
    expect(turns.status()).to.deep.equal([{ ns: 'main', waiting: 2, longestMs: 100 }]);
    turns.begin(held.token)();
    await settled();
    expect(had).to.deep.equal(['bob', 'ada']);
  });

  it('keep nobody waiting for more than one of a key with a hundred connections, and then for short ones', async () => {
    const { ask, had, clock, turns } = place();
    for (let i = 0; i < 100; i++) ask('eve');
    const first = ask('ada');
    await clock.pass(10_000);
    turns.begin((await first.turn).token)();
    await settled();
    expect(had).to.deep.equal(['eve', 'ada', 'eve']);
    for (let times = 0; times < 5; times++) {
      await clock.pass(200);
      const next = ask('ada');
      await clock.pass(SHORT_MS - 200);
      turns.begin((await next.turn).token)();
      await settled();
    }
    expect(had.filter((who) => who === 'ada')).to.have.length(6);
  });

  it('are over for a push that does not end, of whose key the next ones are short too', async () => {
    const { ask, had, clock, turns, seen } = place();
    const eve = Array.from({ length: 4 }, () => ask('eve'));
    const first = ask('ada');
    const end = turns.begin((await eve[0]?.turn)?.token);
    await clock.pass(30_000);
    expect([had, seen.unused]).to.deep.equal([['eve', 'ada'], 1]);
    end(); // late: it is over already
    turns.begin((await first.turn).token)();
    turns.begin((await eve[1]?.turn)?.token);
    await clock.pass(SHORT_MS / 2);
    const second = ask('ada');
    await clock.pass(SHORT_MS / 2);
    turns.begin((await second.turn).token)();
    expect(had).to.deep.equal(['eve', 'ada', 'eve', 'ada']);
  });

  it('that are short stay so when their push begins, and nothing else shortens one', async () => {
    const { ask, had, clock, turns } = place();
    const eve = Array.from({ length: 4 }, () => ask('eve'));
    await clock.pass(10_000);
    const slow = await eve[1]?.turn;
    expect(had, 'nobody with another key waits').to.deep.equal(['eve', 'eve']);
    await clock.pass(5000);
    expect(slow?.over.aborted).to.equal(false);
    ask('ada');
    await clock.pass(0);
    expect([slow?.over.aborted, had]).to.deep.equal([true, ['eve', 'eve', 'ada']]);
    await clock.pass(9999);
    expect(had, 'ada has let none go by').to.have.length(3);
    await clock.pass(1);
    expect(had, 'now both have, and eve longer ago').to.deep.equal(['eve', 'eve', 'ada', 'eve']);
    const hurried = await eve[2]?.turn;
    await clock.pass(SHORT_MS / 2);
    ask('bob');
    turns.begin(hurried?.token);
    await clock.pass(SHORT_MS / 2);
    expect([hurried?.over.aborted, had.at(-1)]).to.deep.equal([true, 'bob']);
  });

  it('are whole again after a minute, however short the last ones were', async () => {
    const { ask, had, clock, turns } = place();
    ask('eve');
    await clock.pass(10_000); // she has let one go by
    await clock.pass(60_000 - SHORT_MS);
    const [, bob] = [ask('eve'), ask('bob')];
    await clock.pass(SHORT_MS); // and a short one
    turns.begin((await bob.turn).token)();
    await clock.pass(1);
    ask('eve');
    ask('bob');
    await clock.pass(9999);
    expect(had).to.deep.equal(['eve', 'eve', 'bob', 'eve']);
    await clock.pass(1);
    expect(had.at(-1)).to.equal('bob');
  });

  it('that are given back at once hold nobody up, and are no reason to be passed over', async () => {
    for (const [held, next] of [
      [SHORT_MS, 'eve'],
      [SHORT_MS + 1, 'ada'],
    ] as const) {
      const { ask, had, clock, seen, turns } = place();
      const [eve] = [ask('eve'), ask('eve')];
      const [ada] = [ask('ada'), ask('ada')];
      await clock.pass(held);
      eve.hangUp();
      turns.begin((await ada.turn).token)();
      await settled();
      expect([had, seen.unused]).to.deep.equal([['eve', 'ada', next], 1]);
    }
  });

  it('go to the keys that let none go by, whoever came first', async () => {
    const { ask, had, clock, turns } = place();
    ask('eve');
    await clock.pass(10_000);
    const [ada] = [ask('ada'), ask('eve'), ask('bob'), ask('cy')];
    await clock.pass(1);
    turns.begin((await ada.turn).token)();
    await settled();
    expect(had).to.deep.equal(['eve', 'ada', 'bob']);
  });

  it('come once to each that stays of 200 clients, of which half hang up, waiting or in their turn', async () => {
    const { ask, clock, turns, seen } = place();
    const random = new Random(10);
    const stays = (i: number): boolean => i % 8 >= 4; // of each key's fifty, the half
    const [landed, leaving] = [[] as number[], new Set<() => void>()];
    let holders = 0;
    const clients = Array.from({ length: 200 }, async (_, i) => {
      const { turn, hangUp } = ask(`key ${i % 4}`);
      if (!stays(i)) leaving.add(hangUp);
      const got = await turn.catch(() => undefined);
      if (got === undefined || !stays(i)) return;
      expect(++holders, 'one at a time').to.equal(1);
      const end = turns.begin(got.token);
      await settled();
      landed.push(i);
      holders--;
      end();
    });
    await settled();
    expect(turns.status()).to.deep.equal([{ ns: 'main', waiting: 199, longestMs: 0 }]);
    while (leaving.size > 0) {
      const hangUp = random.pick([...leaving]);
      leaving.delete(hangUp);
      hangUp();
      await clock.pass(20);
    }
    await Promise.all(clients);
    expect([...landed].sort((a, b) => a - b)).to.deep.equal([...clients.keys()].filter(stays));
    expect(seen.unused, 'some were in their turn').to.be.above(0);
    for (const key of [0, 1, 2, 3]) {
      const own = landed.filter((i) => i % 4 === key);
      expect(own, 'first come, first served').to.deep.equal([...own].sort((a, b) => a - b));
    }
    expect([turns.status(), turns.held(), seen.waiting]).to.deep.equal([[], [], 0]);
    turns.admit(['main'], undefined);
  });
});
