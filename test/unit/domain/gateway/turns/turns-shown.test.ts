import { expect } from 'chai';
import { KvError } from '../../../../../ports/error.js';
import { place, settled } from './turns-place.js';

describe('what turns show of themselves', () => {
  /** `main` has a holder and two that wait, `other` a holder and three, `alone` a holder. */
  async function three() {
    const made = place();
    const { ask, clock } = made;
    const first = ask('ada', 'main');
    ask('ada', 'alone');
    await clock.pass(100);
    ask('bob', 'other');
    for (const who of ['cy', 'dan']) ask(who, 'main');
    await clock.pass(50);
    for (const who of ['eve', 'fay', 'gus']) ask(who, 'other');
    await settled();
    return { ...made, holder: await first.turn };
  }

  it('is the lines in which somebody waits, the longest first, with how long the first of each has waited', async () => {
    const { turns, clock } = await three();
    await clock.pass(7);
    expect(turns.status()).to.deep.equal([
      { ns: 'other', waiting: 3, longestMs: 7 },
      { ns: 'main', waiting: 2, longestMs: 57 },
    ]);
    expect(turns.held()).to.deep.equal(['other', 'main', 'alone']);
    expect(['main', 'other', 'alone', 'nowhere'].map((ns) => turns.waitingIn(ns))).to.deep.equal([2, 3, 0, 0]);
  });

  it('is told to whoever is refused for it, and to who holds the turn', async () => {
    const { turns, ask, clock, holder } = await three();
    let refused: unknown;
    try {
      turns.admit(['main'], undefined);
    } catch (error) {
      refused = error;
    }
    expect(KvError.is(refused) && refused.details).to.deep.equal({ ns: 'main', turns: 3 });
    expect([holder.waited, holder.lasts, holder.used()]).to.deep.equal([0, 10_000, false]);
    turns.begin(undefined)();
    turns.begin('nobody’s')();
    expect(holder.used(), 'by no other token').to.equal(false);
    const end = turns.begin(holder.token);
    expect(holder.used()).to.equal(true);
    const next = ask('hal', 'main');
    await clock.pass(1000);
    end();
    await settled();
    for (const who of ['cy', 'dan']) {
      void who;
      await clock.pass(10_000); // these let theirs go by
    }
    const { waited } = await next.turn;
    expect(waited).to.equal(21_000);
  });

  it('has nothing of who has gone', async () => {
    const { turns, ask, seen } = place();
    const [ada, bob] = [ask('ada'), ask('bob')];
    await settled();
    bob.hangUp();
    await settled();
    expect([turns.status(), seen.waiting, turns.held()]).to.deep.equal([[], 0, ['main']]);
    ada.hangUp();
    await settled();
    expect([turns.held(), seen.waiting]).to.deep.equal([[], 0]);
  });
});
