import { expect } from 'chai';
import { nearest } from '../../../ports/grammar/nearest.js';

describe('grammar: the word that was meant', () => {
  it('is a slip away: a letter lost, added, changed, or two swapped', () => {
    const words = ['get', 'list', 'history', 'stargate status'];
    for (const [slip, meant] of [
      ['gte', 'get'],
      ['lis', 'list'],
      ['lisst', 'list'],
      ['lost', 'list'],
      ['Histry', 'history'],
      ['hsitroy', 'history'],
    ] as const) {
      expect(nearest(slip, words), slip).to.equal(meant);
    }
  });

  it('is none that was not nearly said', () => {
    for (const far of ['', 'x', 'tsil', 'hi', 'watch']) expect(nearest(far, ['get', 'list', 'history']), far).to.equal(undefined);
    expect(nearest('lists', [])).to.equal(undefined);
  });

  it('is the nearest of several', () => {
    expect(nearest('admin', ['admits', 'admins'])).to.equal('admins');
  });
});
