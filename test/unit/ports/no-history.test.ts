import { expect } from 'chai';
import { noHistory } from '../../../ports/grammar/git-words/no-history.js';

describe('grammar: the shallow file of a push without history', () => {
  it('is one line of an id that no object has, behind where history really ends', () => {
    expect(noHistory(40)).to.equal(`${'1'.repeat(40)}\n`);
    const own = `${'a'.repeat(64)}\n${'b'.repeat(64)}\n`;
    expect(noHistory(64, own)).to.equal(`${own}${'1'.repeat(64)}\n`);
  });
});
