import { expect } from 'chai';
import { type Housekeeping, startHousekeeping } from '../../apps/stargate/repository/housekeeping.js';

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

describe('housekeeping: work while no push is at hand', () => {
  let housekeeping: Housekeeping;
  let said: string[];
  beforeEach(() => {
    said = [];
    housekeeping = startHousekeeping({ upkeep: { repack: async () => undefined }, log: quiet });
  });
  afterEach(() => housekeeping.stop());

  /** A push that ends when it is told to. */
  function push(name: string): { end: () => void; ended: Promise<void> } {
    let end: () => void = () => undefined;
    const wait = new Promise<void>((resolve) => {
      end = resolve;
    });
    const ended = housekeeping.during(async () => {
      said.push(`${name} begins`);
      await wait;
      said.push(`${name} ends`);
    });
    return { end, ended };
  }

  it('waits for the pushes at hand, and lets none begin before it is done', async () => {
    const first = push('first');
    const work = housekeeping.quietly(async () => {
      said.push('work');
    }, 60_000);
    const second = push('second');
    second.end();
    first.end();
    expect(await work).to.equal(true);
    await second.ended;
    expect(said).to.deep.equal(['first begins', 'first ends', 'work', 'second begins', 'second ends']);
  });

  it('gives up when the push at hand takes too long, and lets the others through', async () => {
    const slow = push('slow');
    const work = housekeeping.quietly(async () => {
      said.push('work');
    }, 10);
    const next = push('next');
    next.end();
    expect(await work).to.equal(false);
    await next.ended;
    slow.end();
    await slow.ended;
    expect(said).to.deep.equal(['slow begins', 'next begins', 'next ends', 'slow ends']);
  });

  it('opens again when the work fails', async () => {
    const failed = await housekeeping.quietly(() => Promise.reject(new Error('no')), 10).catch((error: Error) => error.message);
    expect(failed).to.equal('no');
    const after = push('after');
    after.end();
    await after.ended;
  });
});

describe('housekeeping: packs', () => {
  it('are looked at for one index after some commits, and rolled up after more, one after the other', async () => {
    const said: string[] = [];
    let at = 0;
    const upkeep = {
      repack: async () => void said.push(`repack ${at}`),
      indexPacks: async () => void said.push(`index ${at}`),
    };
    const housekeeping = startHousekeeping({ upkeep, log: quiet, every: 20 });
    for (at = 1; at <= 40; at++) {
      await housekeeping.during(async () => housekeeping.committed());
      await housekeeping.quietly(async () => undefined, 1000); // what it began is over
    }
    await housekeeping.stop();
    expect(said).to.deep.equal(['index 8', 'index 16', 'repack 20', 'index 28', 'index 36', 'repack 40']);
  });
});
