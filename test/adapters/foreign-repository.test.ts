import { expect } from 'chai';
import { chownSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { BUILD } from '../support/root.js';
import { Sandbox } from '../support/worlds/sandbox.js';
import { needsNodegit } from '../support/needs/with-nodegit.js';

const SOMEBODY = 65_534;

describe('a repository that belongs to somebody else (safe.directory)', () => {
  let sandbox: Sandbox;
  before(function () {
    if (process.getuid?.() === 0) return;
    console.log('      skipped: only root can give a repository to somebody else');
    this.skip();
  });
  beforeEach(() => (sandbox = new Sandbox()));
  afterEach(() => sandbox.remove());

  for (const adapter of ['git-cli', 'nodegit']) {
    it(`${adapter} says what to do, and that helps`, async function () {
      if (adapter === 'nodegit') needsNodegit(this);
      const directory = sandbox.path('theirs'); // no Git directory: whoever names one to git trusts it
      sandbox.run('git', ['init', '-q', directory]);
      for (const name of ['.', ...(readdirSync(directory, { recursive: true }) as string[])]) {
        chownSync(join(directory, name), SOMEBODY, SOMEBODY);
      }
      const program = join(BUILD, 'test/adapters/foreign-repository.js');
      const env = { GIT_CONFIG_GLOBAL: sandbox.path('.gitconfig') };
      const { code, stdout, stderr } = await sandbox.exec(process.execPath, [program, adapter, directory], env);
      expect(code, stderr).to.equal(0);
      const told = JSON.parse(stdout) as { readonly code: string; readonly message: string; readonly advised: string };
      expect(told.code).to.equal('GIT_ERROR');
      expect(told.message).to.include(directory);
      expect(told.advised).to.equal(`git config --global --add safe.directory ${directory}`);
      expect(stderr).to.equal('');
    });
  }
});
