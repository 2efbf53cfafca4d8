import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect } from 'chai';
import { openGitRemote } from '../../../../adapters/git-cli/remote/git-remote.js';
import type { GitRemote } from '../../../../ports/git/git-remote.js';
import { failure } from '../../../support/failure.js';
import { Sandbox } from '../../../support/worlds/sandbox.js';

const REQUESTS = [{ remoteRef: 'refs/heads/main', localRef: 'refs/t/main' }];

describe('git-cli: another process that moves the refs of the same clone', () => {
  let sandbox: Sandbox;
  let clone: string;
  let lock: string;
  beforeEach(() => {
    sandbox = new Sandbox();
    sandbox.run('git', ['init', '-q', '--initial-branch=main', sandbox.path('mirror')]);
    sandbox.git(sandbox.path('mirror'), 'commit', '-q', '--allow-empty', '-m', 'x');
    clone = sandbox.path('clone');
    sandbox.run('git', ['init', '-q', clone]);
    lock = `${clone}/.git/refs/t/main.lock`;
    mkdirSync(dirname(lock), { recursive: true });
  });
  afterEach(() => sandbox.remove());

  /** A remote whose git says each fetch into a file, over an ssh that does what `body` says. */
  const remote = (url: string, body = 'eval "$command"'): Promise<GitRemote> => {
    const ssh = sandbox.path('ssh');
    writeFileSync(ssh, `#!/bin/sh\nfor command; do :; done\necho x >> '${sandbox.path('calls')}'\n${body}\n`);
    chmodSync(ssh, 0o755);
    sandbox.git(clone, 'remote', 'add', 'origin', url);
    sandbox.git(clone, 'config', 'ssh.variant', 'ssh');
    return openGitRemote({ directory: clone, env: { ...sandbox.env, GIT_SSH_COMMAND: `'${ssh}'` } });
  };
  const calls = (): number => (existsSync(sandbox.path('calls')) ? readFileSync(sandbox.path('calls'), 'utf8').length / 2 : 0);

  it('is waited for', async () => {
    writeFileSync(lock, '');
    const origin = await remote(`ssh://host${sandbox.path('mirror')}`);
    const fetched = origin.fetch('origin', 'read', REQUESTS);
    while (calls() < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    rmSync(lock);
    await fetched;
    expect(sandbox.git(clone, 'rev-parse', 'refs/t/main')).to.equal(sandbox.git(sandbox.path('mirror'), 'rev-parse', 'main'));
  });

  it('is named, with its lock, when that stays', async () => {
    writeFileSync(lock, '');
    const origin = await remote(sandbox.path('mirror'));
    const error = await failure(origin.fetch('origin', 'read', REQUESTS), 'GIT_ERROR');
    expect(error.message).to.include(lock);
    expect(error.hint).to.include(`rm -f '${lock}'`);
  });

  it('is not what the other side or the network complains of', async () => {
    const words = "remote: error: cannot lock ref 'refs/t/main': is at 12 but expected 34";
    const origin = await remote('ssh://host/x.git', `echo "${words}" >&2; exit 1`);
    await failure(origin.fetch('origin', 'read', REQUESTS), 'IO_ERROR');
    expect(calls()).to.equal(1);
  });
});
