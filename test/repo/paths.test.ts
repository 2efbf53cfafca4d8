import { expect } from 'chai';
import { globMatcher } from '../../domain/repo/objects/paths.js';
import { ANNA, oracle, testRepository } from './support.js';
import { refused } from './refused.js';

const commit = (message: string) => ({ message, author: ANNA });
const put = (path: string, content = 'x') => ({ path, content });

describe('paths of ordinary repositories', () => {
  const BAD = [
    '',
    '/',
    '/x',
    'x/',
    'a//b',
    '.',
    '..',
    '../x',
    'a/../b',
    'a/.',
    '.git',
    '.git/config',
    'a/.GIT/x',
    '.git.',
    '.git ',
    'GIT~1/x',
    '.git::$INDEX_ALLOCATION/x',
    'x\\.git\\y',
    '.g\u200cit/x',
    'a\0b',
    'a\nb',
    'a\u0085b',
    '\ud800',
    `${'x'.repeat(300)}`,
    `${'x/'.repeat(2500)}y`,
    'ü'.repeat(200),
  ];

  for (const [i, path] of BAD.entries()) {
    it(`refuses ${JSON.stringify(path.slice(0, 30))} (${i}), wherever it is given`, async () => {
      const { repo, store } = testRepository();
      await repo.add(put('here'));
      const made = await repo.commit(commit('base'));
      await refused(repo.add(put('fine'), put(path)), 'INPUT_INVALID');
      await refused(repo.move('here', path), 'INPUT_INVALID');
      await refused(repo.remove(path), 'INPUT_INVALID');
      await refused(repo.commitChanges('main', { put: [put(path)] }, commit('x')), 'INPUT_INVALID');
      await refused((await repo.begin()).apply({ put: [put(path)] }), 'INPUT_INVALID');
      const [reality] = await repo.createRealities(['r']);
      await refused(reality?.apply({ put: [put(path)], author: ANNA }) ?? Promise.resolve(), 'INPUT_INVALID');
      await refused(repo.readFile(path), 'NOT_FOUND');
      expect(await repo.status()).to.deep.include({ clean: true, head: made.oid });
      await repo.close();
      await store.close();
      expect(store.allowance.used).to.equal(0);
    });
  }

  it('takes what is unusual and yet a path, and git finds nothing wrong with it', async () => {
    const { repo, store } = testRepository();
    const names = [
      '.gitignore',
      '.github/x',
      'git~2',
      'a b',
      'ü/é',
      '日本',
      'x'.repeat(255),
      '-x',
      '--',
      '"q"',
      "it's",
      'a:b',
      '*',
      '~',
      '$(x)',
      '.a',
      '...',
      'con',
    ];
    await repo.add(...names.map((name) => put(name)));
    await repo.commit(commit('odd'));
    expect(
      (await repo.list('', { recursive: true }))
        .filter(({ type }) => type === 'file')
        .map(({ path }) => path)
        .sort(),
    ).to.deep.equal([...names].sort());
    expect(Buffer.from((await repo.readFile('ü/é')).content).toString()).to.equal('x');
    const git = await oracle();
    try {
      await git.take(store);
      expect(await git.git('fsck', '--strict')).to.equal('');
    } finally {
      await git.remove();
    }
  });

  it('refuses a name that some file system takes for another, unless that one goes', async () => {
    const { repo } = testRepository();
    await repo.add(put('Readme'), put('dir/a'), put('caf\u00e9'), put('soufle\u0301'));
    await repo.commit(commit('base'));
    for (const path of ['README', 'Dir/b', 'DIR', 'cafe\u0301', 'soufl\u00e9'])
      await refused(repo.add(put(path)), 'INPUT_INVALID');
    await repo.add(put('new/One'));
    for (const path of ['new/one', 'NEW/two', 'new/One/x', 'new']) await refused(repo.add(put(path)), 'INPUT_INVALID');
    await repo.add(put('new/two'), put('Readme', 'y'), put('dir/b'));
    await repo.move('Readme', 'README');
    await repo.move('dir', 'Dir');
    await repo.commit(commit('renamed'));
    expect((await repo.list('', { recursive: true })).map(({ path }) => path)).to.deep.equal([
      'Dir',
      'Dir/a',
      'Dir/b',
      'README',
      'café',
      'new',
      'new/One',
      'new/two',
      'soufle\u0301',
    ]);
  });

  it('keeps a file and a directory apart', async () => {
    const { repo } = testRepository();
    await repo.add(put('f'), put('d/x/y'));
    await repo.commit(commit('base'));
    for (const path of ['f/below', 'd', 'd/x']) await refused(repo.add(put(path)), 'INPUT_INVALID');
    await refused(repo.move('d', 'd/x/z'), 'INPUT_INVALID');
    await refused(repo.move('d', 'f'), 'CAS_CONFLICT');
    await refused(repo.move('nothing', 'g'), 'NOT_FOUND');
    await refused(repo.remove('d', 'd/none'), 'NOT_FOUND');
    expect((await repo.status()).clean).to.equal(true);
    await repo.stage({ remove: ['f', 'd'], put: [put('f/below'), put('d')] });
    await repo.commit(commit('changed places'));
    expect((await repo.list('', { recursive: true })).map(({ path }) => path)).to.deep.equal(['d', 'f', 'f/below']);
    await refused(repo.list('d'), 'NOT_FOUND');
    await refused(repo.readFile('f'), 'NOT_FOUND');
    await refused(repo.add({ path: '.gitmodules', content: 'x', mode: '120000' }), 'INPUT_INVALID');
  });

  it('looks at what is staged before it looks at what was there', async () => {
    const { repo } = testRepository();
    await repo.add(put('d/x', 'there'));
    await repo.commit(commit('base'));
    await repo.stage({ remove: ['d'], put: [put('d', 'a file now')] });
    await refused(repo.add(put('d/x', 'below a file')), 'INPUT_INVALID');
    await repo.commit(commit('a file'));
    expect((await repo.list('', { recursive: true })).map(({ path }) => path)).to.deep.equal(['d']);
  });

  it('refuses files and messages above their limits', async () => {
    const { repo } = testRepository('sha1', { limits: { fileBytes: 10, messageBytes: 20, diffText: 100 } });
    await refused(repo.add(put('a', 'x'.repeat(11))), 'POLICY_VIOLATION');
    await repo.add(put('a', '1\n2\n3\n4\n5\n'));
    await refused(repo.commit(commit('m'.repeat(21))), 'POLICY_VIOLATION');
    await repo.commit(commit('m'));
    await refused(repo.show('HEAD'), 'POLICY_VIOLATION');
  });

  it('matches globs in a time that does not explode', () => {
    const matching = (glob: string, paths: readonly string[]): string[] => paths.filter(globMatcher(glob));
    const paths = ['a.ts', 'src/a.ts', 'src/b/c.ts', 'src/b/d.md'];
    expect(matching('*.ts', paths)).to.deep.equal(['a.ts', 'src/a.ts', 'src/b/c.ts']);
    expect(matching('src/*', paths)).to.deep.equal(['src/a.ts']);
    expect(matching('src/**', paths)).to.deep.equal(['src/a.ts', 'src/b/c.ts', 'src/b/d.md']);
    expect(matching('**/b/?.md', paths)).to.deep.equal(['src/b/d.md']);
    expect(matching('**/*.ts', paths)).to.deep.equal(['a.ts', 'src/a.ts', 'src/b/c.ts']);
    expect(matching(`${'*a'.repeat(400)}b`, ['a'.repeat(4000)])).to.deep.equal([]);
  });
});
