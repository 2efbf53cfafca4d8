import { expect } from 'chai';
import { Generations } from '../../../../domain/git/generations.js';

describe('generations', () => {
  const weigh = (value: string): number => value.length;

  it('keep what is used, and never weigh more than they may', () => {
    const kept = new Generations<number, string>(() => 100, weigh);
    kept.set(0, 'x');
    for (let i = 1; i < 1000; i++) {
      kept.set(i, 'x');
      expect(kept.get(0), `used all the time, ${i}`).to.equal('x');
      expect(kept.size).to.be.at.most(102);
    }
    expect(kept.get(999)).to.equal('x');
    expect(kept.get(960), 'the newest half stays').to.equal('x');
    expect(kept.get(500), 'long unused').to.equal(undefined);
  });

  it('weigh what becomes heavier, and what replaces another', () => {
    const kept = new Generations<string, string>(() => 100, weigh);
    kept.set('a', 'x'.repeat(30));
    kept.set('a', 'y'.repeat(30));
    expect(kept.get('a')).to.equal('y'.repeat(30));
    expect(kept.size, 'counted once').to.equal(1);
    kept.weigh(60); // the young are the old ones now
    kept.set('b', 'x'.repeat(51));
    expect(kept.get('a'), 'not used since').to.equal(undefined);
    kept.clear();
    expect([kept.size, kept.get('b')]).to.deep.equal([0, undefined]);
  });
});
