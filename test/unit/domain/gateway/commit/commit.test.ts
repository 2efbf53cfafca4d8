import { expect } from 'chai';
import { decodeCommit, encodeCommit, readStamp, stamp } from '../../../../../domain/git/commit.js';

const OID = 'a'.repeat(40);

describe('commit: who and when', () => {
  it('is written in whole seconds, UTC, and read back', () => {
    expect(stamp('Ada <ada@example.org>', 1_767_323_045_999)).to.equal('Ada <ada@example.org> 1767323045 +0000');
    expect(readStamp('Ada <ada@example.org> 1767323045 +0000')).to.deep.equal({
      identity: 'Ada <ada@example.org>',
      time: 1_767_323_045_000,
    });
  });

  it('is read from every line that a ledger commit may have', () => {
    for (const identity of ['Ada 7 <a@b>', ' <>', 'Line\u2028Separator <a@b>', 'Ada <17 +0000>']) {
      for (const zone of ['+0000', '-0730']) {
        const ident = `${identity} 86400 ${zone}`;
        const commit = { tree: OID, parents: [], author: ident, committer: ident, signature: null, message: 'x\n' };
        const { author } = decodeCommit(encodeCommit(commit, 'sha1'), OID, 'sha1');
        expect(readStamp(author), ident).to.deep.equal({ identity, time: 86_400_000 });
      }
    }
  });
});
