import { expect } from 'chai';
import type { FilePut } from '../../domain/repo/types.js';
import { ANNA, asFile, edited, oracle, seeded, someLines, testRepository } from './support.js';

const PAIRS = 240;
const SEED = Number(process.env['DIFF_SEED'] ?? 20261);

/** What `git diff` prints, file by file. */
function byFile(text: string): string[] {
  return text.split(/^(?=diff --git )/m).filter((part) => part !== '');
}

describe('differences of ordinary repositories', () => {
  it(`are those of git diff, for ${PAIRS} pairs of files and with 3, 0 and 10 lines around`, async function () {
    this.timeout(60_000);
    const random = seeded(SEED);
    const { repo, store } = testRepository();
    const [before, after]: [FilePut[], FilePut[]] = [[], []];
    for (let i = 0; i < PAIRS; i++) {
      const path = `${i % 7 === 0 ? 'a b/' : ''}${i % 11 === 0 ? 'ü' : ''}file${i}.c`;
      const size = i < 180 ? random(60) : i < 225 ? 200 + random(400) : 2500 + random(1500);
      const lines = someLines(random, size);
      const next = i % 40 === 39 ? someLines(random, size) : edited(random, lines, 1 + random(i % 20 === 0 ? 60 : 8));
      before.push({ path, content: asFile(random, lines) });
      after.push({ path, content: asFile(random, next) });
    }
    const first = await repo.commitChanges('main', { put: before }, { message: 'before', author: ANNA });
    const second = await repo.commitChanges('main', { put: after }, { message: 'after', author: ANNA });
    const git = await oracle();
    try {
      await git.take(store);
      for (const context of [3, 0, 10]) {
        const wanted = byFile(await git.git('diff', '--no-renames', `-U${context}`, first.oid, second.oid));
        const got = byFile((await repo.diff(first.oid, second.oid, { context })).text);
        expect(got.length).to.equal(wanted.length);
        for (const [i, part] of wanted.entries()) expect(got[i], `seed ${SEED}, ${context} lines`).to.equal(part);
      }
      const stats = (await repo.diffStat(first.oid, second.oid)).map(
        ({ path, added, deleted }) => `${added}\t${deleted}\t${path}`,
      );
      const numstat = await git.git('-c', 'core.quotePath=false', 'diff', '--no-renames', '--numstat', first.oid, second.oid);
      expect(`${stats.join('\n')}\n`).to.equal(numstat);
    } finally {
      await git.remove();
    }
  });

  for (const format of ['sha1', 'sha256'] as const) {
    it(`show binary files, modes, links, and what comes, goes and becomes something else (${format})`, async () => {
      const { repo, store } = testRepository(format);
      const put = (path: string, content: string | Uint8Array, mode?: FilePut['mode']): FilePut =>
        mode === undefined ? { path, content } : { path, content, mode };
      const before = [
        put('bin', Uint8Array.of(0, 1, 2)),
        put('gone', 'a\nb\n'),
        put('gone-bin', Uint8Array.of(0)),
        put('script', 'x\n'),
        put('script2', 'x\ny\n'),
        put('link', 'target', '120000'),
        put('becomes-link', 'text\n'),
        put('dir', 'a file\n'),
        put('empty', ''),
        put('full', 'full'),
        put('latin', Uint8Array.of(0xe4, 10)),
        put('dir.x', '1\n'),
        put('quo"te\\', 'q\n'),
      ];
      const first = await repo.commitChanges('main', { put: before }, { message: 'before', author: ANNA });
      const second = await repo.commitChanges(
        'main',
        {
          remove: ['gone', 'gone-bin', 'dir', 'becomes-link'],
          put: [
            put('bin', Uint8Array.of(0, 1, 3)),
            put('new', 'n'),
            put('new-empty', ''),
            put('new-bin', Uint8Array.of(1, 0)),
            put('script', 'x\n', '100755'),
            put('script2', 'x\nz\n', '100755'),
            put('link', 'other', '120000'),
            put('becomes-link', 'text\n', '120000'),
            put('dir/inside', 'b\n'),
            put('empty', 'no longer\n'),
            put('full', ''),
            put('latin', Uint8Array.of(0xe5, 10)),
            put('dir.x', '2\n'),
            put('quo"te\\', 'Q\n'),
          ],
        },
        { message: 'after', author: ANNA },
      );
      const git = await oracle(format);
      try {
        await git.take(store);
        for (const [from, to] of [
          [first, second],
          [second, first],
        ] as const) {
          const { text, changes } = await repo.diff(from.oid, to.oid);
          expect(text).to.equal(await git.git('diff', '--no-renames', from.oid, to.oid));
          const names = await git.git(
            '-c',
            'core.quotePath=false',
            'diff',
            '--no-renames',
            '--name-status',
            '-z',
            from.oid,
            to.oid,
          );
          const letters = { added: 'A', deleted: 'D', modified: 'M', 'type-changed': 'T' };
          expect(changes.flatMap(({ status, path }) => [letters[status], path])).to.deep.equal(names.split('\0').slice(0, -1));
        }
        expect((await repo.show(first.oid)).diff).to.equal(await git.git('show', '--no-renames', '--format=', first.oid));
        await git.git('fsck', '--strict');
      } finally {
        await git.remove();
      }
    });
  }
});
