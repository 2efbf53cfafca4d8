import { expect } from 'chai';
import fc from 'fast-check';
import { utf8 } from '../../../../domain/git/bytes.js';
import { TreeCursor } from '../../../../domain/git/tree/tree.js';
import { folded, isAscii, toBytePath } from '../../../../domain/repo/objects/paths.js';

/** A cursor at the only entry of a tree, of that name. */
function at(name: string): TreeCursor {
  const head = utf8(`100644 ${name}\0`);
  const body = new Uint8Array(head.length + 20);
  body.set(head);
  const cursor = new TreeCursor(body, 20);
  cursor.next();
  return cursor;
}

// The Kelvin sign is a k in small letters, a letter and a mark are one character to some; and others are near to one another, no more.
const ALIKE = ['aA', 'kK', 'k\u212a', 'zZ', '00', '\u00e1\u00c1'];
const OTHERS = ['ab', '@`', '[{', 'a\u00e1', 'i\u0130', '\u0301\u0301'];
const pairs = fc
  .array(fc.tuple(fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...ALIKE) }, fc.constantFrom(...OTHERS)), fc.boolean()), {
    minLength: 1,
    maxLength: 4,
  })
  .map((all) => [0, 1].map((side) => all.map(([pair, turned]) => pair[turned ? 1 - side : side]).join('')));

describe('names that some file system takes for one', () => {
  it('are never passed over by a look at their bytes, and of ASCII names only those are left', () => {
    let alike = 0;
    fc.assert(
      fc.property(pairs, fc.constantFrom(['', ''], ['x', ''], ['', 'x']), ([before = '', after = ''], ends) => {
        const [one, other] = [before + ends[0], after + ends[1]];
        const wanted = folded(toBytePath(one));
        if (!isAscii(wanted)) return;
        const isLike = folded(toBytePath(other)) === wanted;
        if (isLike) alike += 1;
        if (isLike || isAscii(toBytePath(other))) expect(at(other).mayFoldTo(wanted)).to.equal(isLike);
      }),
      { numRuns: 5000 },
    );
    expect(alike).to.be.greaterThan(500);
    for (const like of ['k', 'K', '\u212a']) expect(at(like).mayFoldTo('k')).to.equal(true);
  });
});
