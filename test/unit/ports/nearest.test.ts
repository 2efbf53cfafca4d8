import { expect } from 'chai';
import { meant, nearest } from '../../../ports/grammar/nearest.js';

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

  it('is told behind a wrong one, or all that there are while they fit a line', () => {
    expect(meant('lst', ['get', 'list'])).to.equal("; did you mean 'list'?");
    expect(meant('quux', ['get', 'list'])).to.equal(' (known: get, list)');
    const many = Array.from({ length: 13 }, (_, i) => `name${i}`);
    expect([meant('quux', many), meant('quux', []), meant('quux', many.slice(1)).split(', ').length]).to.deep.equal(['', '', 12]);
  });
});
