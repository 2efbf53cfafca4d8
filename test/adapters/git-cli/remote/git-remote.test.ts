import { expect } from 'chai';
import { chmodSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { openGitRemote } from '../../../../adapters/git-cli/remote/git-remote.js';
import { openGitStore } from '../../../../adapters/git-cli/store.js';
import type { GitRemote } from '../../../../ports/git/git-remote.js';
import { type GitRemoteBench, gitRemoteContract } from '../../../contracts/git-remote.js';
import { failure } from '../../../support/failure.js';
import { Sandbox } from '../../../support/worlds/sandbox.js';

const MAIN = 'refs/kv/main';

gitRemoteContract('git-cli', async (format): Promise<GitRemoteBench> => {
  const sandbox = new Sandbox();
  const sides = { read: sandbox.bare('mirror.git', format), write: sandbox.bare('gate.git', format) };
  const clone = sandbox.path('clone');
  sandbox.run('git', ['init', '-q', `--object-format=${format}`, clone]);
  sandbox.git(clone, 'remote', 'add', 'origin', sides.read);
  sandbox.git(clone, 'config', 'remote.origin.pushurl', sides.write);
  const [remote, ...stores] = await Promise.all([
    openGitRemote({ directory: clone, env: sandbox.env }),
    openGitStore({ directory: clone, env: sandbox.env }),
    openGitStore({ directory: sides.read, env: sandbox.env }),
    openGitStore({ directory: sides.write, env: sandbox.env }),
  ]);
  return {
    ...{ remote, clone: stores[0], mirror: stores[1], writeSide: stores[2] },
    async forget(direction) {
      sandbox.git(clone, 'config', '--unset', `remote.origin.${direction === 'read' ? 'url' : 'pushurl'}`);
    },
    async vanish(direction) {
      renameSync(sides[direction], `${sides[direction]}.away`);
    },
    async refuse(lines) {
      const text = sandbox.path('refusal');
      writeFileSync(text, lines.map((line) => `${line}\n`).join(''));
      writeFileSync(`${sides.write}/hooks/pre-receive`, `#!/bin/sh\ncat >/dev/null\ncat '${text}' >&2\nexit 1\n`);
      chmodSync(`${sides.write}/hooks/pre-receive`, 0o755);
    },
    dispose: async () => sandbox.remove(),
  };
});

describe('git-cli: the remotes of a clone', () => {
  let sandbox: Sandbox;
  let mirror: string;
  let clone: string;
  let remote: GitRemote;

  beforeEach(async () => {
    sandbox = new Sandbox();
    mirror = sandbox.bare('mirror.git');
    clone = sandbox.path('clone');
    sandbox.run('git', ['init', '-q', clone]);
    sandbox.git(clone, 'remote', 'add', 'origin', mirror);
    writeFileSync(`${clone}/a`, 'content');
    sandbox.git(clone, 'add', 'a');
    sandbox.git(clone, 'commit', '-q', '-m', 'x');
    remote = await openGitRemote({ directory: clone, env: sandbox.env });
  });
  afterEach(() => sandbox.remove());

  const push = (): Promise<void> => {
    const next = sandbox.git(clone, 'rev-parse', 'HEAD');
    return remote.push('origin', [{ ref: MAIN, old: null, next }], { atomic: true });
  };
  /** Another clone, that has none of the objects; its remote's URL is relative, as git reads it: from the work tree's top. */
  const other = (): string => {
    sandbox.git(clone, 'push', '-q', mirror, `HEAD:${MAIN}`);
    sandbox.run('git', ['init', '-q', sandbox.path('other')]);
    sandbox.git(sandbox.path('other'), 'remote', 'add', 'origin', '../mirror.git');
    return sandbox.path('other');
  };

  it('give up on a broken kv-error line, and tell what git says', async () => {
    sandbox.git(clone, 'config', 'remote.origin.pushurl', mirror);
    writeFileSync(`${mirror}/hooks/pre-receive`, '#!/bin/sh\ncat >/dev/null\necho kv-error/1 {broken >&2; exit 1\n');
    chmodSync(`${mirror}/hooks/pre-receive`, 0o755);
    await failure(push(), 'GIT_ERROR');
  });

  it('name the address that cannot be reached, and refuse one that runs a program', async () => {
    sandbox.git(clone, 'config', 'remote.origin.pushurl', sandbox.path('absent.git'));
    expect((await failure(push(), 'IO_ERROR')).message).to.include('absent.git');
    for (const url of ['--upload-pack=touch x', 'ext::sh -c true']) {
      sandbox.git(clone, 'config', 'remote.origin.pushurl', url);
      await failure(push(), 'CONFIG_INVALID');
    }
  });

  it('say that it is the pushurl that is missing, and how to set it', async () => {
    const error = await failure(push(), 'CONFIG_INVALID');
    expect(error.message).to.include('pushurl');
    expect(error.advice).to.deep.equal({ id: 'set-up-remote' });
  });

  it('are asked once for a ref that is known to be absent', async () => {
    sandbox.git(clone, 'push', '-q', mirror, `HEAD:${MAIN}`);
    const requests = [MAIN, 'refs/kv-index/main'].map((ref) => ({ remoteRef: ref, localRef: ref.replace('refs/', 'refs/t/') }));
    await remote.fetch('origin', 'read', requests);
    const log = sandbox.path('trace');
    const traced = await openGitRemote({ directory: clone, env: { ...sandbox.env, GIT_TRACE: log } });
    await traced.fetch('origin', 'read', requests);
    expect(readFileSync(log, 'utf8').match(/built-in: git fetch(?:-pack)? /g)?.length).to.equal(1);
  });

  it('may have a relative URL', async () => {
    const directory = other();
    const reader = await openGitRemote({ directory, env: sandbox.env });
    await reader.fetch('origin', 'read', [{ remoteRef: MAIN, localRef: 'refs/t/main' }]);
    expect(sandbox.git(directory, 'rev-parse', 'refs/t/main')).to.equal(sandbox.git(clone, 'rev-parse', 'HEAD'));
  });

  it('give objects by their ids one by one, but not over the older protocol, which gives only what refs name', async () => {
    const directory = other();
    const blob = sandbox.git(clone, 'rev-parse', 'HEAD:a');
    const reader = await openGitRemote({ directory, env: sandbox.env });
    sandbox.git(directory, 'config', 'protocol.version', '0');
    await failure(reader.fetchObjects('origin', 'read', [blob]), 'NOT_FOUND');
    sandbox.git(directory, 'config', '--unset', 'protocol.version');
    await reader.fetchObjects('origin', 'read', [blob]);
    expect(sandbox.git(directory, 'count-objects')).to.match(/^1 objects/);
  });
});
