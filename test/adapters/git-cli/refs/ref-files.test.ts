import { expect } from 'chai';
import { rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { RefFiles } from '../../../../adapters/git-cli/refs/ref-files.js';
import type { ObjectFormat } from '../../../../ports/vocabulary.js';
import { Sandbox } from '../../../support/worlds/sandbox.js';

const [MAIN, SUB, OTHER] = ['refs/kv/main', 'refs/kv/main-2', 'refs/kv-index/main'];

for (const format of ['sha1', 'sha256'] as const satisfies readonly ObjectFormat[]) {
  describe(`git-cli: refs by their files (${format})`, () => {
    let sandbox: Sandbox;
    let clone: string;
    let files: RefFiles;
    let oids: string[];
    beforeEach(() => {
      sandbox = new Sandbox();
      clone = sandbox.path('clone');
      sandbox.run('git', ['init', '-q', `--object-format=${format}`, clone]);
      for (let i = 0; i < 3; i++) sandbox.git(clone, 'commit', '-q', '--allow-empty', '-m', `${i}`);
      oids = sandbox.git(clone, 'rev-list', 'HEAD').split('\n');
      files = new RefFiles(`${clone}/.git`, format);
    });
    afterEach(() => sandbox.remove());

    const git = (...args: string[]): string => sandbox.git(clone, ...args);
    const read = (...names: string[]): Record<string, string> | null => {
      const found = files.read(names);
      return found && Object.fromEntries(found);
    };

    it('are what git says, loose, packed, moved, deleted and packed again', () => {
      expect(read(MAIN, OTHER)).to.deep.equal({});
      git('update-ref', MAIN, oids[0] as string);
      expect(read(MAIN, SUB)).to.deep.equal({ [MAIN]: oids[0] });
      git('pack-refs', '--all');
      expect(read(MAIN, SUB)).to.deep.equal({ [MAIN]: oids[0] });
      git('update-ref', MAIN, oids[1] as string);
      git('update-ref', SUB, oids[2] as string);
      expect(read(MAIN, SUB, OTHER)).to.deep.equal({ [MAIN]: oids[1], [SUB]: oids[2] });
      git('pack-refs', '--all'); // within what a file's time can tell
      expect(read(MAIN, SUB)).to.deep.equal({ [MAIN]: oids[1], [SUB]: oids[2] });
      git('update-ref', '-d', MAIN);
      expect(read(MAIN, SUB)).to.deep.equal({ [SUB]: oids[2] });
      git('tag', '-a', '-m', 'peeled', 'v1');
      git('pack-refs', '--all');
      expect(read('refs/tags/v1')).to.deep.equal({ 'refs/tags/v1': git('rev-parse', 'refs/tags/v1') });
      expect(read('refs/kv')).to.deep.equal({}); // a folder
    });

    it('are left to git where only git knows', () => {
      git('update-ref', MAIN, oids[0] as string);
      git('symbolic-ref', OTHER, MAIN);
      expect(read(OTHER)).to.equal(null);
      expect(read('refs/kv/')).to.equal(null);
      expect(read('refs/worktree/x')).to.equal(null);
      expect(read(...Array.from({ length: 65 }, (_, i) => `refs/kv/n${i}`))).to.equal(null);
      expect(() => read('refs/../config'))
        .to.throw()
        .with.property('code', 'INPUT_INVALID');
      writeFileSync(`${clone}/.git/${SUB}`, 'no id\n');
      expect(read(SUB)).to.equal(null);
      rmSync(`${clone}/.git/${SUB}`);
      symlinkSync(`../../${MAIN}`, `${clone}/.git/${SUB}`);
      expect(read(SUB)).to.equal(null);
      rmSync(`${clone}/.git/${SUB}`);
      writeFileSync(`${clone}/.git/packed-refs`, 'no ref\n');
      expect(read(SUB)).to.equal(null);
      rmSync(`${clone}/.git/packed-refs`);
      expect(read(MAIN)).to.deep.equal({ [MAIN]: oids[0] });
      writeFileSync(`${clone}/.git/reftable`, '');
      expect(read(MAIN)).to.equal(null);
    });
  });
}
