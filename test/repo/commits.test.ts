import { expect } from 'chai';
import type { RefEvent } from '../../domain/repo/types.js';
import { FORMATS } from '../support/memory/memory.js';
import { ANNA, BEN, oracle, testRepository } from './support.js';
import { refused } from './refused.js';

for (const format of FORMATS) {
  describe(`commits, branches and tags of ordinary repositories (${format})`, () => {
    it('have the ids that git gives them, and their log, status and branches are those of git', async function () {
      this.timeout(20_000);
      const { repo, store, clock } = testRepository(format);
      expect(await repo.status()).to.deep.equal({ branch: 'main', head: null, staged: [], clean: true });
      expect(await repo.log()).to.deep.equal({ commits: [], total: 0 });
      await repo.add(
        { path: 'README.md', content: '# Project\n' },
        { path: 'src/deep/a.ts', content: 'export {};\n' },
        { path: 'run', content: '#!\n', mode: '100755' },
      );
      expect((await repo.status()).staged.map(({ status, path }) => `${status} ${path}`)).to.deep.equal([
        'added README.md',
        'added run',
        'added src/deep/a.ts',
      ]);
      const first = await repo.commit({ message: '\n  First\n\n\n\nwith more   \n\n', author: { ...ANNA, zone: '+0230' } });
      expect(first).to.deep.include({ parents: [], message: '  First\n\nwith more\n', signed: false });
      clock.at += 1000;
      await repo.createBranch('topic/one');
      await repo.checkout('topic/one');
      await repo.stage({
        remove: ['run'],
        move: [{ from: 'src/deep', to: 'lib' }],
        put: [{ path: 'grüße.txt', content: 'hallo\n' }],
      });
      const second = await repo.commit({
        message: 'Second',
        author: { name: ' ,Ännä <x> ', email: '<anna@example.org>' },
        committer: BEN,
      });
      expect(second.author.name).to.equal('Ännä x');
      await repo.createTag('v1', 'main');
      clock.at += 1000;
      const tag = await repo.createTag('v2', 'topic/one', { message: 'Version two', tagger: BEN });
      await repo.commit({ message: 'empty', author: ANNA, allowEmpty: true });
      expect(tag).to.deep.include({ commit: second.oid, message: 'Version two\n' });

      const git = await oracle(format);
      try {
        await git.take(store);
        expect(await git.git('fsck', '--strict', '--no-dangling')).to.equal('');
        const own = (await repo.log()).commits.map(({ oid, message }) => `${oid} ${message.split('\n')[0]}`);
        expect(`${own.join('\n')}\n`).to.equal(await git.git('log', '--format=%H %s', 'topic/one'));
        const shown = (await repo.branches()).map(({ ref, oid, current }) => `${oid} ${ref} ${current ? '*' : ' '}`);
        expect(`${shown.join('\n')}\n`).to.equal(
          await git.git('for-each-ref', '--format=%(objectname) %(refname) %(HEAD)', 'refs/heads/'),
        );
        expect((await repo.tags()).map(({ name, commit }) => `${name} ${commit}`)).to.deep.equal([
          `v1 ${first.oid}`,
          `v2 ${second.oid}`,
        ]);
        const listed = (await repo.list('', { rev: 'v2', recursive: true })).map(
          ({ mode, type, path }) => `${mode.padStart(6, '0')} ${type === 'dir' ? 'tree' : 'blob'} ${path}`,
        );
        expect(`${listed.join('\n')}\n`).to.equal(
          await git.git('-c', 'core.quotePath=false', 'ls-tree', '-rt', '--format=%(objectmode) %(objecttype) %(path)', 'v2'),
        );
        const raw = await git.git('cat-file', 'commit', first.oid);
        expect(raw).to.match(/^author Anna <anna@example\.org> \d+ \+0230$/m);
      } finally {
        await git.remove();
      }
    });
  });
}

describe('an ordinary repository', () => {
  const commit = (message: string) => ({ message, author: ANNA });

  it('finds revisions as git does, and says which it does not find', async () => {
    const { repo } = testRepository();
    const oids: string[] = [];
    for (const content of ['1', '2', '3'])
      oids.push((await repo.commitChanges('main', { put: [{ path: 'a', content }] }, commit(content))).oid);
    await repo.createBranch('side', 'main~1');
    const merged = await repo.commitChanges('side', { put: [{ path: 'b', content: 'b' }] }, commit('b'));
    const result = await repo.merge({ from: 'side', author: BEN });
    expect(result.status).to.equal('merged');
    const found = async (rev: string) => oids.indexOf(await repo.resolve(rev));
    expect(
      await Promise.all(
        [
          'main~3',
          'HEAD^^',
          '@^1',
          'main~1',
          'refs/heads/main^',
          'side~',
          `${oids[0]}`,
          `${oids[1]?.slice(0, 9)}`,
          'side^0~1',
        ].map(found),
      ),
    ).to.deep.equal([0, 1, 2, 2, 2, 1, 0, 1, 1]);
    expect(await repo.resolve('HEAD^2')).to.equal(merged.oid);
    for (const rev of [
      '',
      'nothing',
      'main~9',
      'HEAD^3',
      'main^{tree}',
      '-x',
      '..',
      'f'.repeat(40),
      'main~x',
      'refs/heads/none',
      'main~99999999',
    ])
      await refused(repo.resolve(rev), 'NOT_FOUND');
  });

  it('refuses a commit that changes nothing, a branch that has moved, and what a check refuses; nothing is left of it', async () => {
    let allowed = true;
    const { repo } = testRepository('sha1', {
      beforeCommit: [
        async ({ changes, read }) => {
          if (!allowed) throw Object.assign(new Error(`${changes[0]?.path} ${(await read('a'))?.content.length}`));
        },
      ],
    });
    expect((await refused(repo.commit(commit('x')), 'INPUT_INVALID')).details?.['reason']).to.equal('nothing-to-commit');
    await repo.add({ path: 'a', content: 'a' });
    const first = await repo.commit(commit('a'));
    await repo.add({ path: 'a', content: 'a' });
    expect((await repo.status()).clean).to.equal(true);
    await refused(repo.commit({ ...commit(' \n'), allowEmpty: true }), 'INPUT_INVALID');
    await refused(repo.commit({ ...commit('a\0b'), allowEmpty: true }), 'INPUT_INVALID');
    await refused(repo.commit({ message: 'x', author: { name: '<>', email: 'x' }, allowEmpty: true }), 'INPUT_INVALID');
    await repo.add({ path: 'a', content: 'abc' });
    const moved = await refused(repo.commit({ ...commit('b'), expect: 'f'.repeat(40) }), 'CAS_CONFLICT');
    expect(moved.details).to.deep.include({ ref: 'refs/heads/main', actual: first.oid });
    allowed = false;
    expect(((await repo.commit(commit('b')).catch((error: Error) => error)) as Error).message).to.equal('a 3');
    allowed = true;
    expect((await repo.status()).staged.length).to.equal(1);
    expect((await repo.commit({ ...commit('b'), expect: first.oid })).parents).to.deep.equal([first.oid]);
  });

  it('takes staged changes along to another branch, and names those that would be lost', async () => {
    const { repo } = testRepository();
    await repo.add({ path: 'same', content: '1' }, { path: 'other', content: '1' });
    await repo.commit(commit('one'));
    await repo.checkout('topic', { create: true });
    await repo.add({ path: 'other', content: '2' });
    await repo.commit(commit('two'));
    await repo.add({ path: 'same', content: 'staged' });
    await repo.checkout('main');
    expect(new TextDecoder().decode((await repo.readStaged('same')).content)).to.equal('staged');
    await repo.add({ path: 'other', content: 'staged too' });
    expect((await refused(repo.checkout('topic'), 'CAS_CONFLICT')).details?.['paths']).to.deep.equal(['other']);
    await repo.checkout('topic', { force: true });
    expect(await repo.status()).to.deep.include({ branch: 'topic', clean: true });
    await repo.checkout('main', { detach: true });
    await repo.add({ path: 'x', content: 'x' });
    const loose = await repo.commit(commit('on no branch'));
    expect(await repo.status()).to.deep.include({ branch: null, head: loose.oid });
    await refused(repo.checkout('nowhere'), 'NOT_FOUND');
  });

  it('commits what is staged on top of what others have committed meanwhile, unless they touched the same', async () => {
    const { repo } = testRepository();
    await repo.add({ path: 'a', content: '1' }, { path: 'd/x', content: '1' });
    await repo.commit(commit('one'));
    await repo.add({ path: 'b', content: 'mine' });
    await repo.commitChanges('main', { put: [{ path: 'a', content: '2' }] }, commit('theirs'));
    await repo.commit(commit('mine'));
    expect((await repo.log()).commits.map(({ message }) => message)).to.deep.equal(['mine\n', 'theirs\n', 'one\n']);
    await repo.stage({
      put: [
        { path: 'a', content: 'mine' },
        { path: 'd2', content: 'a file' },
      ],
    });
    await repo.commitChanges(
      'main',
      {
        put: [
          { path: 'a', content: '3' },
          { path: 'd2/y', content: 'y' },
        ],
      },
      commit('theirs'),
    );
    const lost = await refused(repo.commit(commit('late')), 'CAS_CONFLICT');
    expect(lost.details?.['paths']).to.deep.equal(['a', 'd2']);
    await repo.unstage('d2');
    await repo.unstage();
    expect((await repo.status()).clean).to.equal(true);
  });

  it('resets softly, which stages what the commits had, or drops all', async () => {
    const { repo } = testRepository();
    await repo.add({ path: 'a', content: '1' });
    const first = await repo.commit(commit('one'));
    await repo.stage({
      put: [
        { path: 'a', content: '2' },
        { path: 'b', content: 'b' },
      ],
    });
    const second = await repo.commit(commit('two'));
    await refused(repo.reset('HEAD~1', 'soft', first.oid), 'CAS_CONFLICT');
    await repo.reset('HEAD~1', 'soft', second.oid);
    expect((await repo.status()).staged.map(({ path }) => path)).to.deep.equal(['a', 'b']);
    expect((await repo.commit(commit('two'))).tree).to.equal(second.tree);
    await repo.add({ path: 'c', content: 'c' });
    await repo.reset(first.oid, 'hard');
    expect(await repo.status()).to.deep.include({ head: first.oid, clean: true });
  });

  it('renames and deletes branches and tags, and refuses names that git refuses or that are taken', async () => {
    const { repo } = testRepository();
    await refused(repo.createBranch('early'), 'NOT_FOUND');
    await repo.add({ path: 'a', content: '1' });
    await repo.commit(commit('one'));
    for (const name of [
      '',
      'a..b',
      '.a',
      'a/',
      'a.lock',
      'a b',
      'a~1',
      'a^',
      'a:b',
      'a?',
      'a*',
      'a[',
      'a\\b',
      '@',
      'a@{b',
      '-a',
      'HEAD',
      'a//b',
      'a\0',
      'a\n',
      'a.',
      'x'.repeat(300),
    ])
      await refused(repo.createBranch(name), 'INPUT_INVALID');
    await repo.createBranch('topic');
    await refused(repo.createBranch('topic'), 'CAS_CONFLICT');
    await refused(repo.createBranch('topic/below'), 'CAS_CONFLICT');
    await repo.createBranch('x/y');
    await refused(repo.createBranch('x'), 'CAS_CONFLICT');
    await repo.commitChanges('topic', { put: [{ path: 'b', content: 'b' }] }, commit('b'));
    await refused(repo.deleteBranch('topic', { merged: true }), 'CAS_CONFLICT');
    await refused(repo.deleteBranch('main'), 'INPUT_INVALID');
    await repo.deleteBranch('x/y', { merged: true });
    await refused(repo.deleteBranch('x/y'), 'NOT_FOUND');
    await repo.renameBranch('main', 'trunk');
    expect((await repo.facts()).head).to.equal('refs/heads/trunk');
    await refused(repo.renameBranch('trunk', 'topic'), 'CAS_CONFLICT');
    await repo.createTag('v1');
    await refused(repo.createTag('v1'), 'CAS_CONFLICT');
    await repo.deleteTag('v1');
    await refused(repo.deleteTag('v1'), 'NOT_FOUND');
  });

  it('tells of every ref that moves, in order, and goes on when a listener throws', async () => {
    const { repo } = testRepository();
    const events: RefEvent[] = [];
    repo.watch(() => {
      throw new Error('a listener of somebody else');
    });
    const end = repo.watch((event) => events.push(event));
    await repo.add({ path: 'a', content: '1' });
    const { oid } = await repo.commit(commit('one'));
    await repo.createBranch('b');
    await repo.deleteBranch('b');
    end();
    await repo.createBranch('c');
    expect(events.map(({ sequence, ref, old, next, reason }) => [sequence, ref, old, next, reason])).to.deep.equal([
      [1, 'refs/heads/main', null, oid, 'commit'],
      [2, 'refs/heads/b', null, oid, 'branch'],
      [3, 'refs/heads/b', oid, null, 'delete branch'],
    ]);
  });

  it('finds text in files, names and messages, and states of the past', async () => {
    const { repo, clock } = testRepository();
    await repo.add(
      { path: 'src/a.ts', content: 'let Needle;\n\nno\nneedle needle\r\n' },
      { path: 'docs/b.md', content: 'a needle\n' },
      { path: 'bin', content: '\0needle' },
    );
    const first = await repo.commit(commit('One: first'));
    clock.at += 60_000;
    await repo.remove('docs');
    await repo.commit({ message: 'Two', author: BEN });
    const found = (await repo.searchContent({ text: 'needle', rev: 'HEAD~1' })).map(({ path, line, column, content }) => [
      path,
      line,
      column,
      content,
    ]);
    expect(found).to.deep.equal([
      ['docs/b.md', 1, 3, 'a needle'],
      ['src/a.ts', 4, 1, 'needle needle'],
    ]);
    expect(
      (await repo.searchContent({ text: 'NEEDLE', ignoreCase: true, paths: ['src/**'] })).map(({ line }) => line),
    ).to.deep.equal([1, 4]);
    expect((await repo.searchContent({ text: 'needle', rev: 'HEAD~1', limit: 1 })).length).to.equal(1);
    expect((await repo.searchFiles('*.ts')).map(({ path, size }) => `${path} ${size}`)).to.deep.equal(['src/a.ts 31']);
    expect((await repo.searchFiles('**/?.md', first.oid)).map(({ path }) => path)).to.deep.equal(['docs/b.md']);
    expect((await repo.searchCommits('first')).commits.map(({ oid }) => oid)).to.deep.equal([first.oid]);
    expect((await repo.log({ author: 'ben@' })).total).to.equal(1);
    expect((await repo.log({ paths: ['docs'] })).total).to.equal(2);
    expect((await repo.log({ paths: ['src'] })).total).to.equal(1);
    expect((await repo.at(first.committer.time + 1000)).oid).to.equal(first.oid);
    await refused(repo.at(first.committer.time - 1), 'NOT_FOUND');
    expect((await repo.log({ skip: 1, limit: 1 })).commits.map(({ oid }) => oid)).to.deep.equal([first.oid]);
    expect((await repo.log({ limit: 1 })).total).to.equal(2);
  });
});
