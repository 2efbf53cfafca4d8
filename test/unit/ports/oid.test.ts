import { expect } from 'chai';
import { isAnyOid, isOid } from '../../../ports/vocabulary.js';

describe('an object id', () => {
  const [sha1, sha256] = ['0123456789abcdef0123456789abcdef01234567', 'ab'.repeat(32)];

  it('is of one format, or of any', () => {
    expect([isOid(sha1, 'sha1'), isOid(sha1, 'sha256'), isOid(sha256, 'sha1'), isOid(sha256, 'sha256')]).to.deep.equal([
      ...[true, false, false, true],
    ]);
    expect([isAnyOid(sha1), isAnyOid(sha256)]).to.deep.equal([true, true]);
  });

  it('is nothing else: no other length, no upper case, nothing behind it', () => {
    for (const odd of [
      '',
      sha1.slice(1),
      `${sha1}0`,
      'ab'.repeat(31),
      sha1.toUpperCase(),
      `${sha1.slice(1)}\n`,
      `${sha1}\n`,
      'g'.repeat(40),
      '/'.repeat(40),
      ':'.repeat(64),
    ])
      expect(isAnyOid(odd), JSON.stringify(odd)).to.equal(false);
  });
});
