import { expect } from 'chai';
import { checkGitmodules, checkObject } from '../../../../domain/git/fsck.js';
import { fromAscii, utf8 } from '../../../../domain/git/bytes.js';
import { KvError } from '../../../../ports/error.js';
import type { NewObject } from '../../../../ports/git/git-store.js';
import { commitOf, NAMER, treeOf } from '../../../support/formats/packs.js';

const OID = '0123456789abcdef0123456789abcdef01234567';
const BY = 'Anna <anna@example.org> 1767323045 +0000';
const entry = (name: string, mode = '100644', oid = OID) => ({ mode, name, oid });

function ruleOf(object: NewObject): string {
  try {
    checkObject(object, 20);
    return 'none';
  } catch (error) {
    return String(KvError.is(error) && error.code === 'INPUT_INVALID' ? error.details?.['rule'] : error);
  }
}
const bytes = (text: string): string => fromAscii(utf8(text), 0, utf8(text).length);
const raw = (type: 'commit' | 'tag', ...lines: string[]): NewObject => NAMER.object(type, utf8(`${lines.join('\n')}\n\nx\n`));

describe('the rules of git fsck --strict', () => {
  it('for trees', () => {
    const table: [string, NewObject][] = [
      ['none', treeOf([])],
      [
        'none',
        treeOf([entry('.gitignore'), entry('a', '120000'), entry('a.b', '100755'), entry('a0', '40000'), entry('s', '160000')]),
      ],
      ['hasDotgit', treeOf([entry('.git')])],
      ['hasDotgit', treeOf([entry('.GIT', '40000')])],
      ['hasDotgit', treeOf([entry('GIT~1')])],
      ['hasDotgit', treeOf([entry(bytes('.g\u200cit'))])],
      ['hasDot', treeOf([entry('.')])],
      ['hasDotdot', treeOf([entry('..', '40000')])],
      ['fullPathname', treeOf([entry('a/b')])],
      ['badTree', NAMER.object('tree', utf8('100644 a'))],
      ['badFilemode', treeOf([entry('a', '100000')])],
      ['zeroPaddedFilemode', treeOf([entry('a', '040000')])],
      ['nullSha1', treeOf([entry('a', '100644', '0'.repeat(40))])],
      ['treeNotSorted', treeOf([entry('b'), entry('a')])],
      ['treeNotSorted', treeOf([entry('a', '40000'), entry('a.b')])],
      ['duplicateEntries', treeOf([entry('a'), entry('a')])],
      ['duplicateEntries', treeOf([entry('a'), entry('a.b'), entry('a', '40000')])],
      ['gitmodulesSymlink', treeOf([entry('.gitmodules', '120000')])],
      ['gitmodulesSymlink', treeOf([entry('.GitModules', '120000')])],
    ];
    for (const [rule, tree] of table) expect(ruleOf(tree), Buffer.from(tree.body).toString()).to.equal(rule);
  });

  it('for commits and tags', () => {
    const [author, committer] = [`author ${BY}`, `committer ${BY}`];
    const table: [string, NewObject][] = [
      ['none', commitOf(OID, [OID])],
      ['none', raw('commit', `tree ${OID}`, author, committer, 'encoding x', 'gpgsig a', ' b')],
      ['badTreeSha1', raw('commit', author, committer)],
      ['badTreeSha1', raw('commit', 'tree 0123', author, committer)],
      ['badParentSha1', raw('commit', `tree ${OID}`, 'parent x', author, committer)],
      ['missingAuthor', raw('commit', `tree ${OID}`, committer)],
      ['multipleAuthors', raw('commit', `tree ${OID}`, author, author, committer)],
      ['missingCommitter', raw('commit', `tree ${OID}`, author)],
      ['nulInCommit', raw('commit', `tree ${OID}`, author, committer, '', 'a\0b')],
      ['nulInHeader', raw('commit', `tree ${OID}`, `author A\0 <a> 1 +0000`, committer)],
      ['unterminatedHeader', NAMER.object('commit', utf8(`tree ${OID}\n${author}\n${committer}`))],
      ['none', raw('tag', `object ${OID}`, 'type commit', 'tag v1', `tagger ${BY}`)],
      ['none', raw('tag', `object ${OID}`, 'type commit', 'tag v1')],
      ['badObjectSha1', raw('tag', 'object x', 'type commit', 'tag v1')],
      ['badType', raw('tag', `object ${OID}`, 'type x', 'tag v1')],
      ['missingTagEntry', raw('tag', `object ${OID}`, 'type commit')],
      ['badTaggerIdent', raw('tag', `object ${OID}`, 'type commit', 'tag v1', 'tagger nobody')],
      ...['A a@b 1 +0000', 'A <a> +0000', 'A <a> 01 +0000', 'A <a> 1 0000', 'A <<a> 1 +0000', 'A<a> 1 +0000'].map(
        (by): [string, NewObject] => ['badAuthorIdent', commitOf(OID, [], by)],
      ),
    ];
    for (const [rule, object] of table) expect(ruleOf(object), Buffer.from(object.body).toString()).to.equal(rule);
  });

  it('for .gitmodules', () => {
    const isTaken = (text: string): boolean => {
      try {
        checkGitmodules({ oid: OID, body: utf8(text) });
        return true;
      } catch {
        return false; // its only failure is the refusal
      }
    };
    expect(isTaken('[submodule "a/b"]\n\tpath = a/b\n\turl = https://example.org/a-b.git\n')).to.equal(true);
    for (const bad of ['url = -u./payload', 'path = "-x"', 'update = !sh', 'url = https://a/%0ab'])
      expect(isTaken(`[submodule "a"]\n\t${bad}\n`), bad).to.equal(false);
    expect(isTaken('[submodule "../../x"]\n')).to.equal(false);
    expect(isTaken('\n'.repeat(2_000_000))).to.equal(false);
  });
});
