import { expect } from 'chai';
import { saidSoFar } from '../../../../adapters/git-cli/process/said.js';

describe('git-cli: what the other side says', () => {
  it('is kept whole, unless it is very long: then its end is', () => {
    expect(saidSoFar('one\n', 'two\n')).to.equal('one\ntwo\n');
    let said = '';
    for (let i = 0; i < 4000; i++) said = saidSoFar(said, `${'x'.repeat(999)}\n`);
    expect(said.length).to.be.below(600_000);
    said = saidSoFar(said, 'kv-error/1 {}\n');
    expect(said.endsWith('x\nkv-error/1 {}\n')).to.equal(true);
  });
});
