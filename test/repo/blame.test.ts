import { expect } from 'chai';
import { FORMATS } from '../support/memory/memory.js';
import { ANNA, BEN, edited, oracle, seeded, someLines, testRepository } from './support.js';
import { refused } from './refused.js';

const SEED = Number(process.env['BLAME_SEED'] ?? 5);

describe('blame in ordinary repositories', () => {
  for (const format of FORMATS) {
    it(`finds the commit of each line that git blame finds, through merges and a move (${format})`, async function () {
      this.timeout(30_000);
      const random = seeded(SEED);
      const { repo, store, clock } = testRepository(format);
      let [mine, theirs] = [someLines(random, 80), [] as string[]];
      const put = (lines: readonly string[], path = 'a.c') => ({ put: [{ path, content: lines.join('\n') }] });
      const commit = (message: string) => ({ message, author: random(2) === 0 ? ANNA : BEN });
      await repo.commitChanges('main', put(mine), commit('0'));
      for (let i = 1; i <= 24; i++) {
        clock.at += 1000 * random(3);
        if (i % 6 === 1) {
          await repo.createBranch(`side${i}`);
          theirs = edited(random, mine, 2);
          await repo.commitChanges(`side${i}`, { ...put(theirs) }, { ...commit(`side ${i}`), allowEmpty: true });
        }
        mine = edited(random, mine, 1 + random(3));
        await repo.commitChanges('main', put(mine), { ...commit(`${i}`), allowEmpty: true });
        if (i % 6 !== 3) continue;
        const result = await repo.merge({
          from: `side${i - 2}`,
          author: BEN,
          favor: random(2) === 0 ? 'ours' : 'theirs',
          fastForward: 'never',
        });
        if (result.status === 'conflicts') throw new Error('a favoured merge has conflicts');
        mine = Buffer.from((await repo.readFile('a.c')).content)
          .toString()
          .split('\n');
      }
      await repo.stage({ move: [{ from: 'a.c', to: 'moved/b.c' }], put: [{ path: 'other', content: 'x' }] });
      await repo.commit(commit('moved'));
      await repo.commitChanges('main', put(edited(random, mine, 2), 'moved/b.c'), { ...commit('last'), allowEmpty: true });
      const git = await oracle(format);
      try {
        await git.take(store);
        const porcelain = await git.git('blame', '--line-porcelain', 'main', '--', 'moved/b.c');
        const wanted = [...porcelain.matchAll(/^([0-9a-f]{40,64}) (\d+) (\d+)/gm)].map(
          ([, oid, origin, number]) => `${number} ${origin} ${oid}`,
        );
        const got = (await repo.blame('moved/b.c')).map(({ number, origin, commit: { oid } }) => `${number} ${origin} ${oid}`);
        expect(wanted.length).to.be.greaterThan(20);
        expect(new Set((await repo.blame('moved/b.c')).map(({ commit: { oid } }) => oid)).size).to.be.greaterThan(8);
        expect(got).to.deep.equal(wanted);
        const lines = porcelain
          .split('\n')
          .filter((line) => line.startsWith('\t'))
          .map((line) => line.slice(1));
        expect((await repo.blame('moved/b.c')).map(({ content }) => content)).to.deep.equal(lines);
      } finally {
        await git.remove();
      }
    });
  }

  it('refuses what is no file', async () => {
    const { repo } = testRepository();
    await repo.add({ path: 'd/a', content: 'a\n' });
    await repo.commit({ message: 'a', author: ANNA });
    await refused(repo.blame('d'), 'NOT_FOUND');
    await refused(repo.blame('none'), 'NOT_FOUND');
    await repo.add({ path: 'empty', content: '' });
    await repo.commit({ message: 'b', author: ANNA });
    expect(await repo.blame('empty')).to.deep.equal([]);
  });
});
