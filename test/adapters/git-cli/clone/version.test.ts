import { expect } from 'chai';
import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { openGitStore } from '../../../../adapters/git-cli/store.js';
import { openGitRemote } from '../../../../adapters/git-cli/remote/git-remote.js';
import { syncLocksIn } from '../../../../adapters/git-cli/refs/ref-locks.js';
import { RefTransactions } from '../../../../adapters/git-cli/refs/refs.js';
import { gitPlace } from '../../../../adapters/git-cli/process/run-git.js';
import type { Environment } from '../../../../adapters/git-cli/process/run-git.js';
import type { RefUpdate } from '../../../../ports/vocabulary.js';
import { gitPretending } from '../../../support/programs/old-git.js';
import { failure } from '../../../support/failure.js';
import { Sandbox } from '../../../support/worlds/sandbox.js';

describe('git-cli and the versions of git', () => {
  let sandbox: Sandbox;
  let directory: string;
  beforeEach(() => {
    sandbox = new Sandbox();
    directory = sandbox.bare('r.git');
  });
  afterEach(() => sandbox.remove());

  const pretending = (version: string, tells = true): Environment => ({
    ...sandbox.env,
    PATH: gitPretending(sandbox.folder, sandbox.env['PATH'] ?? '', version, tells),
  });

  const calls = (): string[] => readFileSync(sandbox.path('calls'), 'utf8').split('\n').slice(0, -1);

  for (const version of ['2.33.8', '2.9.5', '1.8.3.1', '2.33.0.windows.2'])
    it(`refuses ${version}, with its name`, async () => {
      const env = pretending(version);
      for (const open of [openGitStore, openGitRemote]) {
        const { message, hint } = await failure(open({ directory, env }), 'CONFIG_INVALID');
        expect(message).to.equal(`git ${version} is too old: git-kv needs 2.34 or newer`);
        expect(hint).to.include('install git 2.34');
      }
    });

  it('says so before anything that an old git could not answer', async () => {
    const env = pretending('2.17.1', false);
    const { message } = await failure(openGitStore({ directory: sandbox.folder, env }), 'CONFIG_INVALID');
    expect(message).to.include('git 2.17.1 is too old');
  });

  for (const version of ['2.34.1', '2.39.5 (Apple Git-154)', '2.100.0', '3.0.0.windows.1'])
    it(`takes ${version}, without a process to ask for it`, async () => {
      const store = await openGitStore({ directory, env: pretending(version) });
      await store.close();
      expect(calls().filter((call) => !call.includes('cat-file')).length).to.equal(1);
    });

  it('keeps what git says of an error apart from what it tells of itself', async () => {
    const { message } = await failure(openGitStore({ directory: sandbox.folder, env: sandbox.env }), 'GIT_ERROR');
    expect(message).to.match(/: not a git repository[^{}]*$/);
  });

  it('syncs refs itself where git does not, and leaves it to a git that does', async () => {
    const oid = sandbox.git(directory, 'hash-object', '-t', 'blob', '-w', '/dev/null');
    sandbox.git(directory, 'update-ref', 'refs/kv/a', oid);
    const remove: RefUpdate = { ref: 'refs/kv/a', old: oid, next: null };
    // What can't be opened can't be synced; git has nothing to write there, since no ref is packed.
    symlinkSync('packed-refs.new', join(directory, 'packed-refs.new'));
    const older = await openGitStore({ directory, env: pretending('2.35.8') });
    const { message } = await failure(older.updateRefs([remove], 'test'), 'IO_ERROR');
    await older.close();
    expect(message).to.include("packed-refs.new'");
    expect(sandbox.git(directory, 'rev-parse', 'refs/kv/a')).to.equal(oid);
    const newer = await openGitStore({ directory, env: pretending('2.36.0') });
    await newer.updateRefs([remove], 'test');
    await newer.close();
    expect(sandbox.git(directory, 'for-each-ref')).to.equal('');
  });

  it('syncs the new values between preparing and committing; when that fails, nothing has moved', async () => {
    const oid = sandbox.git(directory, 'hash-object', '-t', 'blob', '-w', '/dev/null');
    const seen: string[] = [];
    let broken = true;
    const transactions = new RefTransactions(gitPlace(directory, sandbox.env), 'sha1', async (updates) => {
      for (const { ref } of updates) {
        expect(existsSync(join(directory, ref))).to.equal(false);
        seen.push(readFileSync(join(directory, `${ref}.lock`), 'utf8').trim());
      }
      await syncLocksIn(directory)(updates);
      if (broken) throw new Error('disk');
    });
    const make = ['refs/kv/a', 'refs/kv-index/a'].map((ref): RefUpdate => ({ ref, old: null, next: oid }));
    const refused = await transactions.apply(make, 'test').catch((error: unknown) => error);
    expect(refused).to.have.property('message', 'disk');
    expect(sandbox.git(directory, 'for-each-ref')).to.equal('');
    for (const { ref } of make) expect(existsSync(join(directory, `${ref}.lock`))).to.equal(false);
    broken = false;
    await transactions.apply(make, 'test');
    await transactions.close();
    expect(seen).to.deep.equal([oid, oid, oid, oid]);
    expect(sandbox.git(directory, 'rev-parse', 'refs/kv/a', 'refs/kv-index/a')).to.equal(`${oid}\n${oid}`);
  });
});
