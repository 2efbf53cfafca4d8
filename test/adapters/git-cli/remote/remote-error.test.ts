import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { unreachable, unwritableHere } from '../../../../adapters/git-cli/remote/failure/remote-error.js';
import { openGitRemote } from '../../../../adapters/git-cli/remote/git-remote.js';
import { failure } from '../../../support/failure.js';
import { Sandbox } from '../../../support/worlds/sandbox.js';

describe('git-cli: what is said of a remote', () => {
  it('holds no token, though git names it', async () => {
    const sandbox = new Sandbox();
    const server = createServer((_, response) => response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="x"' }).end());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    try {
      const clone = sandbox.path('clone');
      sandbox.run('git', ['init', '-q', clone]);
      sandbox.git(clone, 'remote', 'add', 'origin', `http://TOKEN@127.0.0.1:${port}/kv.git`);
      const remotes = await openGitRemote({ directory: clone, env: sandbox.env });
      const error = await failure(remotes.listRefs('origin', 'read', ['refs/kv/main']), 'GIT_ERROR');
      expect(error.message).to.contain(`could not read Password for 'http://127.0.0.1:${port}'`);
      expect(JSON.stringify([error.message, error.hint, error.details])).not.to.contain('TOKEN');
    } finally {
      server.close();
      sandbox.remove();
    }
  });

  it('names the owner of a mirror on this machine as what is wrong, and not the advice behind it', () => {
    const stderr = `fatal: detected dubious ownership in repository at '/srv/kv.git'
To add an exception for this directory, call:

\tgit config --global --add safe.directory /srv/kv.git
fatal: Could not read from remote repository.
`;
    const error = unreachable({ what: 'cannot fetch', url: '/srv/kv.git', direction: 'read' }, stderr);
    expect(error?.message).to.equal("cannot fetch: detected dubious ownership in repository at '/srv/kv.git'");
    expect(error?.hint).to.contain('safe.directory /srv/kv.git');
  });

  it("tells a clone that can't be written to from a remote that can't be reached", () => {
    for (const said of [
      'error: insufficient permission for adding an object to repository database .git/objects',
      "error: cannot open '.git/FETCH_HEAD': Permission denied",
      "fatal: unable to create '.git/shallow.lock': Read-only file system",
    ]) {
      const error = unwritableHere('cannot fetch', `${said}\nfatal: Could not read from remote repository.\n`);
      expect(error?.message, said).to.contain(`can't be written to: ${said.replace(/^\w+: /, '')}`);
      expect(error?.advice).to.deep.equal({ id: 'read-offline' });
    }
    for (const said of ['git@host: Permission denied (publickey).', "fatal: unable to access 'https://host/': Permission denied"])
      expect(unwritableHere('cannot fetch', said), said).to.equal(null);
  });

  it('names a key that ssh has left out since others may read it', () => {
    const stderr = "Permissions 0644 for '/home/ada/key' are too open.\ngit@host: Permission denied (publickey).\n";
    const error = unreachable({ what: 'no', url: 'ssh://git@host/kv.git', direction: 'write' }, stderr);
    expect(error?.hint).to.contain('chmod 600 /home/ada/key');
  });

  it('names the host whose key is to be compared, and its port', () => {
    for (const [url, scan] of [
      ['ssh://git@stargate.local:2222/kv.git', 'ssh-keyscan -p 2222 stargate.local |'],
      ['git+ssh://[::1]/kv.git', 'ssh-keyscan ::1 |'],
      ['git@github.com:org/kv.git', 'ssh-keyscan github.com |'],
      ['git@[::1]:kv.git', 'ssh-keyscan ::1 |'],
      ['elsewhere', 'ssh-keyscan HOST |'],
    ] as const) {
      const error = unreachable({ what: 'no', url, direction: 'write' }, 'Host key verification failed.');
      expect(error?.hint, url).to.contain(scan);
    }
  });

  const FINGERPRINT = `SHA256:${'A'.repeat(43)}`;
  const CHANGED = [
    '@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@',
    '@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @',
    '@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@',
    'IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!',
    'The fingerprint for the ED25519 key sent by the remote host is',
    `${FINGERPRINT}.`,
    'Offending ED25519 key in /home/ada/.ssh/known_hosts:3',
    'Host key verification failed.',
    'fatal: Could not read from remote repository.',
  ].join('\r\n');
  const PLINK = [
    'WARNING - POTENTIAL SECURITY BREACH!',
    'The host key does not match the one PuTTY has cached for this server:',
    '  h (port 22)',
    `  ssh-ed25519 255 ${FINGERPRINT}`,
    'Connection abandoned.',
  ].join('\n');

  for (const [client, said, shown] of [
    ['OpenSSH', CHANGED, 'Offending ED25519 key in /home/ada/.ssh/known_hosts:3'],
    ['plink', PLINK, 'The host key does not match'],
  ] as const) {
    it(`tells a changed host key from a first contact, with the warning of ${client}`, () => {
      const error = unreachable({ what: 'no', url: 'ssh://git@h/r.git', direction: 'write' }, said);
      expect(error?.advice).to.deep.equal({ id: 'host-key-changed', fingerprint: FINGERPRINT });
      expect(error?.details).to.deep.equal({ host_key: 'changed', fingerprint: FINGERPRINT });
      expect(error?.message).to.contain(shown).and.not.to.contain('@@@').and.not.to.contain('fatal:');
      expect(error?.hint).not.to.contain('keyscan');
      const host = unreachable({ what: 'no', url: 'git@github.com:org/kv.git', direction: 'read' }, said);
      expect([host?.advice, host?.hint?.includes('ssh-keygen -R github.com')]).to.deep.equal([undefined, true]);
    });
  }

  it('takes a key that plink has not cached for a first contact', () => {
    const said = 'The host key is not cached for this server:\n  h (port 22)\nConnection abandoned.';
    const error = unreachable({ what: 'no', url: 'ssh://git@h/r.git', direction: 'write' }, said);
    expect(error?.advice).to.deep.equal({ id: 'compare-host-key', scan: 'ssh-keyscan h' });
  });

  it('holds no password that the other side repeats', () => {
    const said = 'fatal: unable to access https://ada:p@ss@h/kv.git: the requested URL returned error';
    expect(unreachable({ what: 'no', url: 'https://h/kv.git', direction: 'read' }, said)?.message).to.equal(
      'no: unable to access https://h/kv.git: the requested URL returned error',
    );
  });
});
