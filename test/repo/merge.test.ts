import { expect } from 'chai';
import { execFileSync } from 'node:child_process';
import type { Repository } from '../../domain/repo/facade.js';
import type { FilePut } from '../../domain/repo/types.js';
import { ANNA, asFile, BEN, edited, oracle, seeded, someLines, testRepository } from './support.js';
import { refused } from './refused.js';

const SEED = Number(process.env['MERGE_SEED'] ?? 77);
const commit = (message: string) => ({ message, author: ANNA });

/** What git makes of a merge: the tree, and the paths in conflict. */
async function gitMerge(
  git: Awaited<ReturnType<typeof oracle>>,
  ours: string,
  theirs: string,
): Promise<{ tree: string; conflicts: string[] }> {
  const args = [
    '-c',
    'merge.renames=false',
    '-c',
    'core.quotePath=false',
    'merge-tree',
    '--write-tree',
    '--name-only',
    '--no-messages',
    ours,
    theirs,
  ];
  const out = await git.git(...args).catch((error: { stdout?: string }) => {
    if (error.stdout === undefined) throw error;
    return error.stdout; // conflicts
  });
  const [tree = '', ...conflicts] = out.split('\n').filter((line) => line !== '');
  return { tree, conflicts: [...new Set(conflicts)].sort() };
}

describe('merges of ordinary repositories', () => {
  it('have the tree that git gives them, or conflicts in the same files with the same text', async function () {
    this.timeout(60_000);
    const random = seeded(SEED);
    const { repo, store } = testRepository();
    const git = await oracle();
    try {
      const files = 120;
      const base: [string, string[]][] = [];
      for (let i = 0; i < files; i++)
        base.push([`${i % 5}/f${i}`, someLines(random, i < 100 ? 5 + random(60) : 200 + random(300))]);
      const written = (lines: readonly (readonly [string, readonly string[]])[]): FilePut[] =>
        lines.map(([path, each]) => ({ path, content: asFile(random, each) }));
      await repo.commitChanges('main', { put: written(base) }, commit('base'));
      await repo.createBranch('side');
      const change = (): FilePut[] =>
        written(base.filter(() => random(4) > 0).map(([path, lines]) => [path, edited(random, lines, 1 + random(4))] as const));
      const ours = await repo.commitChanges('main', { put: change(), remove: ['0/f5', '1/f6', '2/f7'] }, commit('ours'));
      const theirs = await repo.commitChanges(
        'side',
        { put: [...change(), { path: 'new', content: 'n' }], remove: ['3/f8', '4/f9'] },
        commit('theirs'),
      );
      await git.take(store);
      const wanted = await gitMerge(git, ours.oid, theirs.oid);
      const merged = await repo.merge({ from: 'side', author: ANNA });
      if (merged.status !== 'conflicts') throw new Error('the seed gives no conflict');
      const paths = merged.conflicts.map(({ path }) => path).sort();
      expect(paths).to.deep.equal(wanted.conflicts);
      expect(paths.length).to.be.within(10, files - 10);
      // The text with its markers, as git wrote it into its tree; only the names behind the markers differ.
      for (const { path, merged: text } of merged.conflicts) {
        if (text === undefined) continue;
        const plain = (content: string): string =>
          content.replace(/^(<{7}|>{7}) .*$/gm, '$1').replace(/^(<{7}|>{7}|={7})\r$/gm, '$1');
        expect(plain(Buffer.from(text).toString()), path).to.equal(
          plain(await git.git('cat-file', 'blob', `${wanted.tree}:${path}`)),
        );
      }
      expect((await repo.status()).head, 'nothing has changed').to.equal(ours.oid);
      // Without the files in conflict, the whole tree is git's.
      for (const branch of ['main', 'side']) {
        const there = new Set((await repo.list('', { rev: branch, recursive: true })).map(({ path }) => path));
        await repo.commitChanges(branch, { remove: paths.filter((path) => there.has(path)) }, commit('without'));
      }
      await git.take(store);
      const clean = await gitMerge(git, 'main', 'side');
      expect(clean.conflicts).to.deep.equal([]);
      const result = await repo.merge({ from: 'side', author: ANNA });
      expect(result.status).to.equal('merged');
      expect((await repo.show('HEAD')).commit).to.deep.include({ tree: clean.tree, message: "Merge branch 'side'\n" });
    } finally {
      await git.remove();
    }
  });

  it('have the bases that git finds, also where histories cross, and merge those first', async function () {
    this.timeout(60_000);
    const random = seeded(SEED + 1);
    const { repo, store, clock } = testRepository();
    const lines = someLines(random, 40);
    const content = (edit: number): string => lines.map((line, i) => (i === edit ? `edit ${edit}` : line)).join('\n');
    await repo.commitChanges('main', { put: [{ path: 'a', content: content(-1) }] }, commit('base'));
    for (const name of ['x', 'y', 'x2', 'y2']) await repo.createBranch(name, 'main');
    await repo.commitChanges('x', { put: [{ path: 'a', content: content(3) }] }, commit('x'));
    clock.at += 1000;
    await repo.commitChanges(
      'y',
      {
        put: [
          { path: 'a', content: content(30) },
          { path: 'b', content: 'b' },
        ],
      },
      commit('y'),
    );
    await repo.reset('main');
    const into = async (branch: string, from: string): Promise<void> => {
      clock.at += 1000;
      expect((await repo.merge({ from, into: branch, author: BEN, fastForward: 'never' })).status).to.equal('merged');
    };
    await repo.checkout('x2');
    await repo.reset('x');
    await repo.checkout('y2');
    await repo.reset('y');
    await into('x2', 'y');
    await into('y2', 'x');
    await repo.commitChanges(
      'x2',
      {
        put: [
          {
            path: 'a',
            content: new TextDecoder().decode((await repo.readFile('a', 'x2')).content).replace(lines[15] as string, 'on x'),
          },
        ],
      },
      commit('x2'),
    );
    const random2 = seeded(SEED + 2);
    const names = ['x', 'y', 'x2', 'y2', 'main'];
    for (let i = 0; i < 25; i++) {
      clock.at += random2(3) * 1000;
      const [into, from] = [names[random2(5)] as string, names[random2(5)] as string];
      await repo.commitChanges(into, { put: [{ path: `n${into}`, content: `${i}` }] }, commit(`n${i}`));
      await repo.merge({ from, into, author: BEN });
    }
    const git = await oracle();
    try {
      await git.take(store);
      for (const [i, a] of names.entries()) {
        for (const b of names.slice(i + 1)) {
          const wanted = (await git.git('merge-base', '--all', a, b)).trim().split('\n');
          expect([...(await repo.mergeBases(a, b))].sort(), `${a} ${b}`).to.deep.equal(wanted.sort());
          const { tree, conflicts } = await gitMerge(git, a, b);
          expect(conflicts).to.deep.equal([]);
          await repo.checkout(a);
          await repo.checkout('try', { create: true });
          const result = await repo.merge({ from: b, author: ANNA, fastForward: 'never' });
          if (result.status === 'conflicts') throw new Error(JSON.stringify(result));
          expect((await repo.show('HEAD')).commit.tree, `${a} ${b}`).to.equal(tree);
          await repo.checkout(a);
          await repo.deleteBranch('try');
        }
      }
    } finally {
      await git.remove();
    }
  });

  it('go forward where they can, and only there where that is wanted', async () => {
    const { repo } = testRepository();
    const first = await repo.commitChanges('main', { put: [{ path: 'a', content: '1' }] }, commit('1'));
    await repo.createBranch('side');
    const second = await repo.commitChanges('side', { put: [{ path: 'a', content: '2' }] }, commit('2'));
    expect(await repo.merge({ from: 'side', author: ANNA })).to.deep.equal({
      status: 'fast-forward',
      commit: second.oid,
      old: first.oid,
    });
    expect(await repo.merge({ from: 'side', author: ANNA })).to.deep.equal({ status: 'up-to-date', commit: second.oid });
    await repo.commitChanges('side', { put: [{ path: 'b', content: '2' }] }, commit('3'));
    await repo.commitChanges('main', { put: [{ path: 'c', content: '2' }] }, commit('4'));
    await refused(repo.merge({ from: 'side', author: ANNA, fastForward: 'only' }), 'CAS_CONFLICT');
    await refused(repo.merge({ from: 'side', author: ANNA, expect: first.oid }), 'CAS_CONFLICT');
    await refused(repo.merge({ from: 'nowhere', author: ANNA }), 'NOT_FOUND');
    await refused(repo.merge({ from: 'side', into: 'nowhere', author: ANNA }), 'NOT_FOUND');
  });

  const diverged = async (
    base: FilePut[],
    ours: FilePut[],
    theirs: FilePut[],
    gone: { ours?: string[]; theirs?: string[] } = {},
  ): Promise<Repository> => {
    const { repo } = testRepository();
    await repo.commitChanges('main', { put: [{ path: 'z', content: 'z' }, ...base] }, commit('base'));
    await repo.createBranch('side');
    await repo.commitChanges('main', { put: ours, remove: gone.ours ?? [] }, { ...commit('ours'), allowEmpty: true });
    await repo.commitChanges('side', { put: theirs, remove: gone.theirs ?? [] }, commit('theirs'));
    return repo;
  };

  it('name what is in conflict, and why', async () => {
    const put = (path: string, content: string | Uint8Array): FilePut => ({ path, content });
    const bin = (byte: number): Uint8Array => Uint8Array.of(0, byte);
    const repo = await diverged(
      [put('text', '1\n'), put('gone', '1\n'), put('gone2', '1\n'), put('bin', bin(1)), put('mode', '1\n')],
      [put('text', '2\n'), put('gone2', '2\n'), put('bin', bin(2)), put('both', 'a\n'), put('dir/file', 'x'), put('thing', 'x')],
      [
        put('text', '3\n'),
        put('gone', '3\n'),
        put('bin', bin(3)),
        put('both', 'b\n'),
        put('dir', 'a file'),
        put('thing/below', 'x'),
      ],
      { ours: ['gone'], theirs: ['gone2'] },
    );
    const result = await repo.merge({ from: 'side', author: ANNA });
    if (result.status !== 'conflicts') throw new Error('no conflict');
    expect(Object.fromEntries(result.conflicts.map(({ path, kind }) => [path, kind]))).to.deep.equal({
      text: 'content',
      gone: 'delete',
      gone2: 'delete',
      bin: 'binary',
      both: 'add',
      dir: 'kind',
      'thing/below': 'kind',
    });
    const text = result.conflicts.find(({ path }) => path === 'text')?.merged;
    expect(Buffer.from(text ?? []).toString()).to.equal('<<<<<<< main\n2\n=======\n3\n>>>>>>> side\n');
  });

  it('let one side win where that is wanted', async () => {
    const repo = await diverged(
      [{ path: 't', content: '1\n2\n3\n4\n5\n' }],
      [{ path: 't', content: 'A\n2\n3\n4\n5\n' }],
      [{ path: 't', content: 'B\n2\n3\n4\nE\n' }],
    );
    await repo.merge({ from: 'side', author: ANNA, favor: 'theirs' });
    expect(Buffer.from((await repo.readFile('t')).content).toString()).to.equal('B\n2\n3\n4\nE\n');
  });

  it('are refused for histories that have nothing in common', async () => {
    const { repo, store } = testRepository();
    await repo.commitChanges('main', { put: [{ path: 'a', content: '1' }] }, commit('1'));
    await repo.checkout('main', { detach: true });
    const foreign = testRepository();
    foreign.clock.at += 5000;
    const other = await foreign.repo.commitChanges('main', { put: [{ path: 'b', content: '1' }] }, commit('2'));
    await store.write(
      (await foreign.store.read([other.oid, other.tree, (await foreign.repo.readFile('b')).oid])).map(
        (object) => object ?? expect.fail(),
      ),
    );
    const error = await refused(repo.merge({ from: other.oid, into: 'main', author: ANNA }), 'INPUT_INVALID');
    expect(error.details?.['reason']).to.equal('unrelated-histories');
  });
});

describe('reverts and cherry-picks', () => {
  it('make the commits that git makes', async function () {
    this.timeout(30_000);
    const { repo, store, clock } = testRepository();
    const lines = Array.from({ length: 30 }, (_, i) => `line ${i}`);
    const text = (edits: Record<number, string>): string => `${lines.map((line, i) => edits[i] ?? line).join('\n')}\n`;
    await repo.commitChanges('main', { put: [{ path: 'a', content: text({}) }] }, commit('base'));
    clock.at += 1000;
    const changed = await repo.commitChanges(
      'main',
      {
        put: [
          { path: 'a', content: text({ 3: 'three' }) },
          { path: 'b', content: 'b' },
        ],
      },
      commit('change three\n\nand more'),
    );
    await repo.commitChanges(
      'main',
      { put: [{ path: 'a', content: text({ 3: 'three', 20: 'twenty' }) }] },
      commit('change twenty'),
    );
    await repo.createBranch('old', 'main~2');
    const git = await oracle();
    try {
      await git.take(store);
      const before = await repo.resolve('main');
      const reverted = await repo.revert({ commit: changed.oid, committer: BEN });
      const picked = await repo.cherryPick({ commit: 'main~1', onto: 'old', committer: BEN });
      if (reverted.status !== 'merged' || picked.status !== 'merged') throw new Error('conflicts');
      const folder = `${git.path}-work`;
      const env = { PATH: process.env['PATH'] ?? '', HOME: folder, GIT_CONFIG_NOSYSTEM: '1' };
      const when = `${Math.floor(clock.at / 1000)} +0000`;
      const people = { GIT_AUTHOR_NAME: 'Ben', GIT_AUTHOR_EMAIL: 'ben@example.org', GIT_AUTHOR_DATE: when };
      const committer = { GIT_COMMITTER_NAME: 'Ben', GIT_COMMITTER_EMAIL: 'ben@example.org', GIT_COMMITTER_DATE: when };
      const inWork = (...args: string[]): string =>
        execFileSync('git', args, {
          cwd: folder,
          env: { ...env, ...people, ...committer },
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'pipe'],
        });
      execFileSync('git', ['clone', '-q', git.path, folder], { env: { ...env, HOME: git.path } });
      inWork('reset', '-q', '--hard', before);
      inWork('revert', '--no-edit', changed.oid);
      expect(inWork('rev-parse', 'HEAD').trim()).to.equal(reverted.commit);
      inWork('checkout', '-q', 'old');
      inWork('cherry-pick', before);
      expect(inWork('rev-parse', 'HEAD').trim()).to.equal(picked.commit);
    } finally {
      await git.remove();
    }
  });

  it('tell conflicts, and refuse what changes nothing or is a merge without a side', async () => {
    const { repo } = testRepository();
    const first = await repo.commitChanges('main', { put: [{ path: 'a', content: '1\n' }] }, commit('1'));
    const second = await repo.commitChanges('main', { put: [{ path: 'a', content: '2\n' }] }, commit('2'));
    await repo.commitChanges('main', { put: [{ path: 'a', content: '3\n' }] }, commit('3'));
    expect((await repo.revert({ commit: second.oid, committer: BEN })).status).to.equal('conflicts');
    const error = await refused(repo.cherryPick({ commit: 'HEAD', committer: BEN }), 'INPUT_INVALID');
    expect(error.details?.['reason']).to.equal('nothing-to-commit');
    await repo.createBranch('side', first.oid);
    await repo.commitChanges('side', { put: [{ path: 'b', content: '1\n' }] }, commit('b'));
    await repo.merge({ from: 'side', author: ANNA });
    await refused(repo.revert({ commit: 'HEAD', committer: BEN }), 'INPUT_INVALID');
    await refused(repo.revert({ commit: 'HEAD', mainline: 3, committer: BEN }), 'INPUT_INVALID');
    const { commit: oid } = (await repo.revert({ commit: 'HEAD', mainline: 1, committer: BEN })) as { commit: string };
    expect((await repo.show(oid)).commit.message).to.match(
      /^Revert "Merge branch 'side'"\n\nThis reverts commit \w+, reversing\nchanges made to \w+\.\n$/,
    );
  });
});
