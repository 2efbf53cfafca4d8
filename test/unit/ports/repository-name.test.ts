import { expect } from 'chai';
import { foldedName, parseRepositoryName, parseRepositoryPath } from '../../../ports/grammar/repository-name.js';

describe('repository names', () => {
  it('are an owner and a name', () => {
    expect(parseRepositoryName('ada/shop')).to.deep.equal({ owner: 'ada', name: 'shop' });
    const long = `${'a'.repeat(63)}/${'b'.repeat(63)}`;
    for (const name of ['a/b', 'A-1/b_2.c', 'x.y/z', '0/0', 'testuser/hello-world', 'git2/kv', 'common/console', long])
      expect(parseRepositoryName(name), name).not.to.equal(null);
  });

  it('are nothing that leads elsewhere, hides, or that a file system or a URL reads as something else', () => {
    const odd = [
      ...[
        '',
        'a',
        '/',
        'a/',
        '/b',
        'a/b/c',
        'a//b',
        '../x',
        'x/..',
        './x',
        'x/.',
        '.a/b',
        'a/.b',
        'a/-b',
        '-a/b',
        'a\\b',
        'a/b\\c',
      ],
      ...[
        'a/b\0',
        'a/b\n',
        'a/b ',
        ' a/b',
        'a b/c',
        'a/b%2e',
        'a/b?x',
        'a/b#x',
        'a/é',
        'a/b:c',
        '~a/b',
        'a/b~',
        'a/b*',
        "a/b'",
        'a/$b',
      ],
      ...[
        'a/b.git',
        'a/b.GIT',
        'a/b.lock',
        'a.lock/b',
        'a/b.',
        'a./b',
        'a..b/c',
        'a/b..c',
        'con/x',
        'a/NUL',
        'a/nul.txt',
        'COM1/x',
      ],
      ...['git/x', 'Kv/x', 'repos/x', 'health/x', `a/${'b'.repeat(64)}`, `${'a'.repeat(300)}/b`, `a/${'b'.repeat(300)}`],
    ];
    for (const name of odd) expect(parseRepositoryName(name), JSON.stringify(name)).to.equal(null);
  });

  it('stand in paths with or without .git and a slash in front', () => {
    for (const path of ['ada/shop', '/ada/shop', 'ada/shop.git', '/ada/shop.git'])
      expect(parseRepositoryPath(path), path).to.deep.equal({ owner: 'ada', name: 'shop' });
    for (const path of ['//ada/shop', 'ada/shop.git/', 'ada/shop.git.git', '~/ada/shop', 'ada/../ada/shop'])
      expect(parseRepositoryPath(path), path).to.equal(null);
  });

  it('that differ in case alone are told by their folded form', () => {
    expect(foldedName('Ada/Shop')).to.equal(foldedName('ada/sHOP'));
  });
});
