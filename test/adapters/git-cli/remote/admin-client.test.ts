import { expect } from 'chai';
import { chmodSync, writeFileSync } from 'node:fs';
import { openAdminClient } from '../../../../adapters/git-cli/remote/admin-client.js';
import type { AdminClient } from '../../../../ports/clone/admin-client.js';
import { failure } from '../../../support/failure.js';
import { Sandbox } from '../../../support/worlds/sandbox.js';

describe('git-cli admin verbs', () => {
  let sandbox: Sandbox;
  let clone: string;
  beforeEach(() => {
    sandbox = new Sandbox();
    clone = sandbox.path('clone');
    sandbox.run('git', ['init', '-q', clone]);
    sandbox.git(clone, 'remote', 'add', 'origin', sandbox.path('mirror.git'));
  });
  afterEach(() => sandbox.remove());

  /** An ssh that prints its arguments as JSON strings, or does what `body` says. */
  async function withSsh(
    url: string,
    body: string,
    how: 'GIT_SSH' | 'GIT_SSH_COMMAND' | 'config' = 'GIT_SSH_COMMAND',
    env: Readonly<Record<string, string>> = {},
    name = 'fake ssh',
  ): Promise<AdminClient> {
    sandbox.git(clone, 'config', 'remote.origin.pushurl', url);
    const ssh = sandbox.path(name);
    writeFileSync(ssh, `#!/bin/sh\n${body}\n`);
    chmodSync(ssh, 0o755);
    if (how === 'config') sandbox.git(clone, 'config', 'core.sshCommand', `'${ssh}' -x`);
    const setting = how === 'config' ? {} : { [how]: how === 'GIT_SSH' ? ssh : `'${ssh}' -x` };
    return openAdminClient({ directory: clone, env: { ...sandbox.env, ...setting, ...env } });
  }
  const ECHO = `node -e 'console.log(JSON.stringify(process.argv.slice(1)))' -- "$@"`;

  it('gives ssh what git would give it', async () => {
    const url = 'ssh://git@host.example:2222/srv/a%20b.git';
    const command = "git-kv-admin '/srv/a b.git' status 'it'\\''s' '--x'";
    expect(await (await withSsh(url, ECHO)).run('origin', 'status', ["it's", '--x'])).to.deep.equal([
      '-x',
      '-p',
      '2222',
      'git@host.example',
      command,
    ]);
    expect(await (await withSsh(url, ECHO, 'GIT_SSH')).run('origin', 'status', [])).to.deep.equal([
      '-p',
      '2222',
      'git@host.example',
      "git-kv-admin '/srv/a b.git' status",
    ]);
    expect(await (await withSsh('me@host:kv/r.git', ECHO, 'config')).run('origin', 'epoch new', ['v2'])).to.deep.equal([
      '-x',
      'me@host',
      "git-kv-admin 'kv/r.git' epoch new 'v2'",
    ]);
    expect(await (await withSsh('ssh://[::1]/~/r.git', ECHO)).run('origin', 'status', [])).to.deep.equal([
      '-x',
      '::1',
      "git-kv-admin '~/r.git' status",
    ]);
  });

  for (const [variant, options] of [
    ['plink', ['-P', '2222']],
    ['putty', ['-P', '2222']],
    ['tortoiseplink', ['-batch', '-P', '2222']],
    ['ssh', ['-p', '2222']],
    ['something else', ['-p', '2222']],
  ] as const) {
    it(`speaks to ssh as git does for the variant ${variant}`, async () => {
      const url = 'ssh://git@host.example:2222/r.git';
      const expected = ['-x', ...options, 'git@host.example', "git-kv-admin '/r.git' status"];
      expect(
        await (await withSsh(url, ECHO, 'GIT_SSH_COMMAND', { GIT_SSH_VARIANT: variant })).run('origin', 'status', []),
      ).to.deep.equal(expected);
      sandbox.git(clone, 'config', 'ssh.variant', variant);
      expect(await (await withSsh(url, ECHO)).run('origin', 'status', [])).to.deep.equal(expected);
    });
  }

  it('knows a client by its name, asks another one, and gives a simple one no port', async () => {
    const url = 'ssh://git@host.example:2222/r.git';
    const named = await withSsh(url, ECHO, 'GIT_SSH', {}, 'PLink.EXE');
    expect(await named.run('origin', 'status', [])).to.deep.equal([
      '-P',
      '2222',
      'git@host.example',
      "git-kv-admin '/r.git' status",
    ]);
    const simple = `[ "$2" = -G ] && exit 1; ${ECHO}`;
    await failure((await withSsh(url, simple)).run('origin', 'status', []), 'CONFIG_INVALID');
    expect(await (await withSsh('git@host.example:r.git', simple)).run('origin', 'status', [])).to.deep.equal([
      ...['-x', 'git@host.example', "git-kv-admin 'r.git' status"],
    ]);
  });

  it('notes no host key for another client than OpenSSH, behind a proxy, or without a file to note it in', async () => {
    const fingerprint = `SHA256:${'A'.repeat(43)}`;
    const url = 'ssh://git@host.example:2222/r.git';
    const pin = async (body: string, env: Record<string, string> = {}) =>
      (await withSsh(url, body, 'GIT_SSH_COMMAND', env)).pinHostKey(url, fingerprint);
    await failure(pin(ECHO, { GIT_SSH_VARIANT: 'plink' }), 'NOT_SUPPORTED');
    await failure(pin('echo "proxyjump gate"'), 'NOT_SUPPORTED');
    await failure(pin('echo "userknownhostsfile /dev/null"'), 'CONFIG_INVALID');
    await failure((await withSsh(url, ECHO)).pinHostKey(url, 'SHA256:short'), 'INPUT_INVALID');
  });

  it('follows url.insteadOf', async () => {
    sandbox.git(clone, 'config', 'url.ssh://git@real/.insteadOf', 'gate:');
    expect(await (await withSsh('gate:r.git', ECHO)).run('origin', 'status', [])).to.deep.equal([
      '-x',
      'git@real',
      "git-kv-admin '/r.git' status",
    ]);
  });

  it('refuses addresses that are not ssh, or that ssh would read as an option', async () => {
    await failure((await withSsh('https://host/r.git', ECHO)).run('origin', 'status', []), 'NOT_SUPPORTED');
    await failure((await withSsh('/srv/r.git', ECHO)).run('origin', 'status', []), 'NOT_SUPPORTED');
    for (const url of ['ssh://-oProxyCommand=x/r.git', 'ssh://-x@h/r.git', 'ssh://git@-x/r.git', 'ssh://%2Dx/r.git']) {
      await failure((await withSsh(url, ECHO)).run('origin', 'status', []), 'CONFIG_INVALID');
    }
    for (const [url, code] of [
      ['https://TOKEN@host/r.git', 'NOT_SUPPORTED'],
      ['ssh://git:TOKEN@h/r.git', 'CONFIG_INVALID'],
      ['x-access-token:TOKEN@h/r s.git', 'CONFIG_INVALID'],
    ] as const) {
      const { message } = await failure((await withSsh(url, ECHO)).run('origin', 'status', []), code);
      expect(message).not.to.contain('TOKEN');
    }
    await failure((await withSsh('h:r.git', ECHO)).run('origin', 'status; rm', []), 'INPUT_INVALID');
  });

  it('throws what the Stargate said, and IO_ERROR for anything else', async () => {
    const said = `echo 'kv-error/1 {"code":"SYNC_REFUSED","message":"the mirror differs","hint":"look"}' >&2; exit 1`;
    expect((await failure((await withSsh('h:r', said)).run('origin', 'sync', []), 'SYNC_REFUSED')).hint).to.equal('look');
    const refused = 'echo "ssh: connect to host h port 22: Connection refused" >&2; exit 255';
    expect((await failure((await withSsh('h:r', refused)).run('origin', 'status', []), 'IO_ERROR')).message).to.include(
      'connection refused',
    );
    await failure((await withSsh('h:r', 'echo welcome')).run('origin', 'status', []), 'IO_ERROR');
  });
});
