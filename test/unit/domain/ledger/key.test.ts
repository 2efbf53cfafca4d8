import { expect } from 'chai';
import fc from 'fast-check';
import { KvError } from '../../../../ports/error.js';
import { utf8 } from '../../../../domain/git/bytes.js';
import { fromUrlsafe, keyBytes, keyFault, toUrlsafe } from '../../../../domain/ledger/value/key.js';

const code = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    return KvError.is(error) ? error.code : String(error);
  }
  return 'none';
};

describe('key', () => {
  for (const [what, key] of [
    ['an empty key', ''],
    ['513 bytes', 'k'.repeat(513)],
    ['171 three-byte characters, 513 bytes', '€'.repeat(171)],
    ['a newline', 'a\nb'],
    ['a NUL', 'a\0b'],
    ['DEL', 'a\u007f'],
    ['a C1 control character', 'a\u0085b'],
    ['a lone surrogate', 'a\ud800b'],
  ] as const) {
    it(`refuses ${what}`, () => expect(code(() => keyBytes(key))).to.equal('KEY_INVALID'));
  }

  for (const key of [
    'a',
    'k'.repeat(512),
    '..',
    '.git',
    '-rf',
    '/',
    'a/b',
    '🔑',
    'ключ',
    '%41',
    'a b',
    'a~1',
    'con',
    'x.manifest.json',
    'x.meta',
  ]) {
    it(`takes ${JSON.stringify(key.slice(0, 20))} and spells it without dots, slashes and tildes`, () => {
      expect(keyBytes(key)).to.deep.equal(utf8(key));
      const urlsafe = toUrlsafe(key);
      expect(urlsafe).to.match(/^[A-Za-z0-9_:%-]+$/);
      expect(fromUrlsafe(urlsafe)).to.equal(key);
    });
  }

  it('has one urlsafe form a key, and takes no other', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 100 }), (key) => {
        fc.pre(keyFault(key) === undefined);
        expect(fromUrlsafe(toUrlsafe(key))).to.equal(key);
      }),
    );
    for (const other of ['%61', '%2e', '%2G', '%', 'a.b', '%C3%28', '%00', '', '%0A'])
      expect(fromUrlsafe(other), other).to.equal(undefined);
  });
});
