import { chmod, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { openGitMirror } from '../../adapters/mirror-git/open.js';
import { mirrorTargetContract, thrownBy } from '../contracts/mirror-target.js';
import { mirrorBench } from '../support/worlds/mirror-bench.js';
import { Sandbox } from '../support/worlds/sandbox.js';

for (const format of ['sha1', 'sha256'] as const) {
  mirrorTargetContract(`mirror-git, ${format}`, () =>
    mirrorBench(format, ({ stargate, env }) => openGitMirror({ directory: stargate, remote: 'github-origin', env })),
  );
}

mirrorTargetContract('mirror-git, not atomic', () =>
  mirrorBench('sha1', ({ stargate, env }) => openGitMirror({ directory: stargate, remote: 'github-origin', env, atomic: false })),
);

describe('mirror-git', () => {
  let sandbox: Sandbox;
  let env: Record<string, string>;
  let directory: string;
  let commit: string;

  beforeEach(() => {
    sandbox = new Sandbox();
    env = sandbox.env;
    directory = sandbox.bare('stargate.git');
    const tree = sandbox.git(directory, 'hash-object', '-w', '-t', 'tree', '/dev/null');
    commit = sandbox.git(directory, 'commit-tree', '-m', 'a', tree);
  });
  afterEach(() => sandbox.remove());

  const remote = (url: string): string => sandbox.git(directory, 'remote', 'add', 'host', url);
  const open = (): ReturnType<typeof openGitMirror> => openGitMirror({ directory, remote: 'host', env });

  /** A "host" that answers everything with one status, and whose messages git passes on. */
  const host = async (status: number, headers: Record<string, string> = {}): Promise<{ url: string; stop: () => void }> => {
    const server = createServer((_, response) => response.writeHead(status, headers).end('no'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/r.git`, stop: () => server.close() };
  };

  /** A remote whose `ssh` is a script. */
  const scripted = async (script: string): Promise<void> => {
    const path = sandbox.path('ssh.sh');
    await writeFile(path, `#!/bin/sh\n${script}\n`);
    await chmod(path, 0o755);
    env['GIT_SSH_COMMAND'] = path;
    env['GIT_SSH_VARIANT'] = 'simple';
    remote('ssh://git@mirror.example/r.git');
  };

  it('says what to do when the remote is not configured or has no name', async () => {
    const error = await thrownBy(open());
    expect(error.code).to.equal('CONFIG_INVALID');
    expect(error.hint).to.contain('remote add host');
    for (const bad of ['--upload-pack=x', 'https://x/y', '', '../x']) {
      expect((await thrownBy(openGitMirror({ directory, remote: bad, env }))).code, bad).to.equal('CONFIG_INVALID');
    }
  });

  it('shows no credentials in its label or its errors', async () => {
    const server = await host(500);
    remote(server.url.replace('http://', 'http://james:hunter2@hunter2@'));
    const target = await open();
    expect(target.label).to.equal(server.url);
    const error = await thrownBy(target.push([{ ref: 'refs/kv/main', next: commit }]));
    server.stop();
    expect(error.code).to.equal('IO_ERROR');
    expect(JSON.stringify([error.message, error.hint, error.details])).not.to.contain('hunter2');
  });

  it('asks for patience when the host does', async () => {
    const server = await host(429, { 'Retry-After': '7' });
    remote(server.url);
    const error = await thrownBy((await open()).push([{ ref: 'refs/kv/main', next: commit }]));
    server.stop();
    expect(error.code).to.equal('IO_ERROR');
    expect(error.message).to.contain('patience');
  });

  it('passes on how long the host wants to be left alone', async () => {
    await scripted('echo "remote: rate limit exceeded. Retry-After: 42" >&2; exit 1');
    const error = await thrownBy((await open()).push([{ ref: 'refs/kv/main', next: commit }]));
    expect(error.code).to.equal('IO_ERROR');
    expect(error.details).to.deep.equal({ retryAfterMs: 42_000 });
  });

  it('kills a push that hangs when the signal fires', async () => {
    const pidFile = sandbox.path('pid');
    await scripted(`echo $PPID > ${pidFile}.tmp; mv ${pidFile}.tmp ${pidFile}; cat > /dev/null`);
    const stop = new AbortController();
    const push = (await open()).push([{ ref: 'refs/kv/main', next: commit }], stop.signal);
    const pid = await waitForFile(pidFile);
    stop.abort();
    expect((await thrownBy(push)).code).to.equal('INTERRUPTED');
    expect(() => process.kill(pid, 0)).to.throw('ESRCH');
  });

  it('waits for nothing that a killed push has left, such as an ssh whose host says nothing', async () => {
    const pidFile = sandbox.path('pid');
    await scripted(`echo $$ > ${pidFile}.tmp; mv ${pidFile}.tmp ${pidFile}; exec sleep 60`);
    const stop = new AbortController();
    const push = (await open()).push([{ ref: 'refs/kv/main', next: commit }], stop.signal);
    const ssh = await waitForFile(pidFile);
    try {
      stop.abort();
      const killed = Date.now();
      expect((await thrownBy(push)).code).to.equal('INTERRUPTED');
      expect(Date.now() - killed, 'the minute that it stays').to.be.lessThan(30_000);
    } finally {
      process.kill(ssh, 'SIGKILL');
    }
  });

  it('tells a rule of the host from a moved ref', async () => {
    const mirror = sandbox.path('mirror.git');
    sandbox.run('git', ['init', '--quiet', '--bare', mirror]);
    const hook = join(mirror, 'hooks', 'pre-receive');
    await writeFile(hook, '#!/bin/sh\necho "branch is protected" >&2\nexit 1\n');
    await chmod(hook, 0o755);
    remote(mirror);
    const error = await thrownBy((await open()).push([{ ref: 'refs/kv/main', next: commit }]));
    expect(error.code).to.equal('GIT_ERROR');
    expect(error.message).to.contain('refs/kv/main').and.contain('branch is protected');
  });

  it('tells a host that does not take what came from one that is away', async () => {
    const host = sandbox.path('host.git');
    sandbox.run('git', ['init', '--quiet', '--bare', host]);
    sandbox.git(host, 'config', 'receive.maxInputSize', '100');
    sandbox.git(directory, 'remote', 'add', 'host', host);
    const mirror = await openGitMirror({ directory, remote: 'host', env });
    const error = await thrownBy(mirror.push([{ ref: 'refs/heads/a', next: commit }]));
    expect(error.code, error.message).to.equal('GIT_ERROR');
    expect(error.message).to.contain('pack exceeds maximum allowed size');
  });

  it('says which setting helps when the host takes no atomic push', async () => {
    const mirror = sandbox.path('mirror.git');
    sandbox.run('git', ['init', '--quiet', '--bare', mirror]);
    sandbox.git(mirror, 'config', 'receive.advertiseAtomic', 'false');
    remote(mirror);
    const error = await thrownBy((await open()).push([{ ref: 'refs/kv/main', next: commit }]));
    expect(error.code).to.equal('NOT_SUPPORTED');
    expect(error.hint).to.contain('atomic: false');
  });

  it('runs no command that a remote URL could smuggle in, and ignores what points git elsewhere', async () => {
    remote(`ext::sh -c "touch ${sandbox.folder}/owned"`);
    env['GIT_ALLOW_PROTOCOL'] = 'ext';
    env['GIT_DIR'] = '/nonexistent';
    expect((await thrownBy((await open()).push([{ ref: 'refs/kv/main', next: commit }]))).message).to.contain('ext');
  });
});

/** Polls for a file that another process writes, and gives the number in it. */
async function waitForFile(path: string): Promise<number> {
  const { readFile } = await import('node:fs/promises');
  const { setTimeout: delay } = await import('node:timers/promises');
  for (;;) {
    const text = await readFile(path, 'utf8').catch(() => '');
    if (text !== '') return Number(text);
    await delay(5);
  }
}
