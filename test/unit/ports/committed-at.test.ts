import { execFileSync } from 'node:child_process';
import { expect } from 'chai';
import { committedAt } from '../../../ports/grammar/git-words/committed-at.js';
import { isolatedEnv } from '../../support/worlds/isolated-env.js';
import { temporaryFolder } from '../../support/temporary.js';

const EMPTY = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';
const headers = (committer: string): string => `tree ${EMPTY}\nauthor A <a@b> 1 +0000\ncommitter ${committer}\n`;

/** What stands behind `committer`, and when that was. */
const CASES: readonly (readonly [string, number])[] = [
  ['A <a@b> 1700000000 +0000', 1700000000],
  ['A <a@b> 1700000000 -0730', 1700000000],
  ['A <a@b> 1700000000', 1700000000],
  ['A <a@b> 1700000000 +051800', 1700000000],
  ['A <a@b> 1700000000 UTC', 1700000000],
  ['A <a@b>  1700000000 +0000', 1700000000],
  ['<> 1700000000 +0000', 1700000000],
  ['A <a@b>', 0],
  ['A <a@b> yesterday', 0],
  ['A <a@b> 99999999999999999999 +0000', 0],
];

describe('grammar: when a commit was made', () => {
  it('is the number behind the address, whatever follows', () => {
    for (const [committer, seconds] of CASES) expect(committedAt(headers(committer)), committer).to.equal(seconds);
    expect(committedAt(`tree ${EMPTY}\n`)).to.equal(0);
    expect(committedAt(`tree ${EMPTY}\nauthor A committer <a> 7 +0000\n`), 'of the author').to.equal(0);
  });

  it('is what git orders commits by', async () => {
    const folder = await temporaryFolder();
    try {
      const git = (args: readonly string[], input = ''): string =>
        execFileSync('git', ['-C', folder.path, ...args], { input, env: isolatedEnv(folder.path), encoding: 'utf8' }).trim();
      git(['init', '-q', '--bare']);
      git(['hash-object', '-w', '-t', 'tree', '--stdin']);
      const commitOf = (committer: string): string =>
        git(['hash-object', '-w', '-t', 'commit', '--literally', '--stdin'], `${headers(committer)}\nx\n`);
      const known = commitOf('B <b@b> 1600000000 +0000');
      for (const [committer, seconds] of CASES.slice(0, -1)) {
        const [newest] = git(['rev-list', '--date-order', known, commitOf(committer)]).split('\n');
        expect(newest === known, committer).to.equal(seconds < 1600000000);
      }
    } finally {
      await folder.remove();
    }
  });
});
