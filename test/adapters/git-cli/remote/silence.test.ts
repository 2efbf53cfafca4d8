import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { Environment } from '../../../../adapters/git-cli/process/run-git.js';
import { openAdminClient } from '../../../../adapters/git-cli/remote/admin-client.js';
import { runRemote } from '../../../../adapters/git-cli/remote/remote-run.js';
import { openGitRemote } from '../../../../adapters/git-cli/remote/git-remote.js';
import type { GitRemote } from '../../../../ports/git/git-remote.js';
import { failure } from '../../../support/failure.js';
import { Sandbox } from '../../../support/worlds/sandbox.js';

const MAIN = 'refs/kv/main';
const FETCH = [{ remoteRef: MAIN, localRef: 'refs/t/main' }];
const LIMIT = '700ms';

describe('git-cli: another side that says nothing', () => {
  let sandbox: Sandbox;
  let mirror: string;
  let clone: string;
  let port: number;
  let server: Server;
  const sockets = new Set<Socket>();
  const children: ChildProcess[] = [];

  before(async () => {
    // Takes every connection, and never says a word.
    server = createServer((socket) => {
      sockets.add(socket.on('error', () => undefined).resume());
      socket.on('close', () => sockets.delete(socket));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as { port: number }).port;
  });
  after(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  beforeEach(() => {
    sandbox = new Sandbox();
    mirror = sandbox.bare('mirror.git');
    clone = sandbox.path('clone');
    sandbox.run('git', ['init', '-q', clone]);
    sandbox.git(clone, 'commit', '-q', '--allow-empty', '-m', 'x');
    sandbox.git(clone, 'config', 'kv.timeout', LIMIT);
    sandbox.git(clone, 'config', 'ssh.variant', 'ssh');
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    sandbox.remove();
  });

  const clientEnv = (env: Record<string, string> = {}): Environment => ({
    ...sandbox.env,
    GIT_SSH_COMMAND: 'ssh -F /dev/null',
    ...env,
  });
  function remote(url: string, env: Record<string, string> = {}): Promise<GitRemote> {
    sandbox.git(clone, 'config', 'remote.origin.url', url);
    sandbox.git(clone, 'config', 'remote.origin.pushurl', url);
    return openGitRemote({ directory: clone, env: clientEnv(env) });
  }
  /** Asks the Stargate behind the remote for its status. */
  const status = (env: Record<string, string> = {}): Promise<unknown> =>
    openAdminClient({ directory: clone, env: clientEnv(env) }).run('origin', 'status', []);
  const push = (to: GitRemote): Promise<void> => {
    const next = tipOf(clone, 'HEAD');
    return to.push('origin', [{ ref: MAIN, old: null, next }], { atomic: true });
  };
  /** A clone that has nothing yet. */
  function reader(url: string, env: Record<string, string>, name = 'reader'): Promise<GitRemote> {
    const folder = sandbox.path(name);
    sandbox.run('git', ['init', '-q', folder]);
    sandbox.git(folder, 'config', 'kv.timeout', LIMIT);
    sandbox.git(folder, 'config', 'ssh.variant', 'ssh');
    sandbox.git(folder, 'config', 'remote.origin.url', url);
    return openGitRemote({ directory: folder, env: { ...sandbox.env, ...env } });
  }
  const tipOf = (folder: string, ref: string): string => sandbox.git(folder, 'rev-parse', ref);
  /** A program in the place of ssh, that runs the other side's command on this machine. */
  const ssh = (body: string): Record<string, string> => {
    const path = sandbox.path('ssh');
    writeFileSync(path, `#!/bin/bash\nfor command; do :; done\n${body}\n`);
    chmodSync(path, 0o755);
    return { GIT_SSH_COMMAND: path };
  };
  const hook = (name: string, body: string): void => {
    writeFileSync(`${mirror}/hooks/${name}`, `#!/bin/sh\n${body}\n`);
    chmodSync(`${mirror}/hooks/${name}`, 0o755);
  };
  /** What runs with some text in its command line. */
  const running = (text: string): string[] =>
    execFileSync('ps', ['-A', '-o', 'args='], { encoding: 'utf8' })
      .split('\n')
      .filter((line) => line.includes(text) && !line.includes(' -o args='));

  /** Not so a process that has ended and that nobody has waited for. */
  const isAlive = (pid: number): boolean =>
    execFileSync('ps', ['-A', '-o', 'pid=,stat='], { encoding: 'utf8' })
      .split('\n')
      .some((line) => new RegExp(`^ *${pid} [^Z]`).test(line));
  const until = async (done: () => boolean, longestMs = 5000): Promise<void> => {
    for (const end = Date.now() + longestMs; !done() && Date.now() < end; ) await sleep(25);
  };

  for (const scheme of ['ssh', 'http', 'git'] as const) {
    it(`is given up over ${scheme}, and nothing is left running`, async () => {
      const url = `${scheme}://127.0.0.1:${port}/silent-${scheme}-${port}.git`;
      const origin = await remote(url);
      const errors = await Promise.all(
        [
          origin.fetch('origin', 'read', FETCH),
          origin.fetch('origin', 'write', FETCH),
          origin.listRefs('origin', 'read', [MAIN]),
          push(origin),
          ...(scheme === 'ssh' ? [status()] : []),
        ].map((work) => failure(work, 'IO_ERROR')),
      );
      for (const error of errors) {
        expect(error.message).to.equal(`no answer from ${url} for 0.7 s`);
        expect(error.hint).to.include('git config kv.timeout');
      }
      await until(() => running(`silent-${scheme}-${port}`).length === 0);
      expect(running(`silent-${scheme}-${port}`)).to.deep.equal([]);
    });
  }

  it('is given up over http below folders that are named as Git names its own', async () => {
    const origin = await remote(`http://127.0.0.1:${port}/objects/ab/objects/info/silent.git`);
    expect((await failure(origin.fetch('origin', 'read', FETCH), 'IO_ERROR')).message).to.match(/^no answer from /);
  });

  it('is ended by force when it does not listen, before the error is told', async () => {
    const pid = sandbox.path('pid');
    const env = ssh(`trap '' TERM\necho $$ >'${pid}'\nwhile [ -e '${pid}' ]; do sleep 0.1; done`);
    const origin = await remote('ssh://host/deaf.git', env);
    const works = [() => origin.fetch('origin', 'read', FETCH), () => status(env)];
    for (const work of works) {
      expect((await failure(work(), 'IO_ERROR')).message).to.match(/^no answer from /);
      await until(() => !isAlive(Number(readFileSync(pid, 'utf8')))); // the signal was sent: a moment to die
      expect(isAlive(Number(readFileSync(pid, 'utf8')))).to.equal(false);
    }
  });

  const large = (): void => {
    writeFileSync(`${clone}/large`, randomBytes(1_500_000));
    sandbox.git(clone, 'add', 'large');
    sandbox.git(clone, 'commit', '-q', '-m', 'large');
  };
  /** Passes on what it reads: 20 KB, and then nothing. Its process is stopped, as a host that hangs is. */
  const FREEZE = 'head -c 20000; kill -STOP $BASHPID';

  it('is given up when it falls silent in the middle of a pack', async () => {
    large();
    sandbox.git(clone, 'push', '-q', mirror, `HEAD:${MAIN}`);
    const origin = await reader(`ssh://host${mirror}`, ssh(`eval "$command" | (${FREEZE})`));
    expect((await failure(origin.fetch('origin', 'read', FETCH), 'IO_ERROR')).message).to.match(/^no answer from /);
    expect(sandbox.git(sandbox.path('reader'), 'for-each-ref')).to.equal('');
  });

  it('is given up when it takes no more of a push', async () => {
    large();
    const origin = await remote(`ssh://host${mirror}`, ssh(`(${FREEZE}) | eval "$command"`));
    expect((await failure(push(origin), 'IO_ERROR')).message).to.match(/^no answer from /);
    expect(sandbox.git(mirror, 'for-each-ref')).to.equal('');
  });

  it('is waited for as long as a pack comes, however slowly, and whether it is unpacked or indexed', async () => {
    large();
    sandbox.git(clone, 'push', '-q', mirror, `HEAD:${MAIN}`);
    const slowly = `node -e '
      process.stdin.on("data", (chunk) => {
        process.stdin.pause();
        process.stdout.write(chunk, () => setTimeout(() => process.stdin.resume(), 150));
      });'`;
    for (const unpackLimit of ['1', '1000']) {
      const name = `reader-${unpackLimit}`;
      const origin = await reader(`ssh://host${mirror}`, ssh(`eval "$command" | ${slowly}`), name);
      sandbox.git(sandbox.path(name), 'config', 'fetch.unpackLimit', unpackLimit);
      sandbox.git(sandbox.path(name), 'config', 'kv.timeout', '2s'); // starting all these programs may take a while
      const started = Date.now();
      await origin.fetch('origin', 'read', FETCH);
      expect(Date.now() - started, 'longer than the limit').to.be.greaterThan(3500);
      expect(tipOf(sandbox.path(name), 'refs/t/main')).to.equal(tipOf(clone, 'HEAD'));
    }
  });

  it('is waited for while a hook of its works and the server says that it lives', async () => {
    const go = sandbox.path('go');
    hook('pre-receive', `cat >/dev/null\nwhile [ ! -e '${go}' ]; do sleep 0.1; done`);
    const env = ssh('eval "$command"');
    sandbox.git(clone, 'config', 'kv.timeout', '2s');
    try {
      sandbox.git(mirror, 'config', 'receive.keepAlive', '0');
      await failure(push(await remote(`ssh://host${mirror}`, env)), 'IO_ERROR');
      sandbox.git(mirror, 'config', 'receive.keepAlive', '1');
      const pushed = push(await remote(`ssh://host${mirror}`, env));
      expect(await Promise.race([pushed, sleep(5000, 'waiting')]), 'longer than the limit').to.equal('waiting');
      writeFileSync(go, '');
      await pushed;
      expect(sandbox.git(mirror, 'for-each-ref', '--format=%(refname)')).to.equal(MAIN);
    } finally {
      writeFileSync(go, '');
    }
  });

  for (const scheme of ['', 'file://']) {
    it(`has hooks that go on after the push, at ${scheme || 'a path'}`, async () => {
      const [go, done, second] = [sandbox.path('go'), sandbox.path('done'), sandbox.bare('second.git')];
      const later = `while [ ! -e '${go}' ]; do sleep 0.1; done; git push -q '${second}' ${MAIN}; echo $? >'${done}'`;
      hook('post-receive', `(${later}) >/dev/null 2>&1 </dev/null &`);
      try {
        await push(await remote(`${scheme}${mirror}`));
      } finally {
        writeFileSync(go, '');
      }
      await until(() => existsSync(done) && readFileSync(done, 'utf8') !== '');
      expect(readFileSync(done, 'utf8')).to.equal('0\n');
      expect(tipOf(second, MAIN)).to.equal(tipOf(clone, 'HEAD'));
    });
  }

  it('may be silent once the pack is here, however its end is told', async () => {
    const bin = sandbox.path('bin');
    sandbox.run('mkdir', [bin]);
    const packets = [' packet:     sideband< 00', '00\\n'].map((part) => `printf '${part}' >&8`).join('; sleep 0.3; ');
    const git = execFileSync('which', ['git'], { encoding: 'utf8' }).trim();
    writeFileSync(`${bin}/git`, `#!/bin/sh\ncase "$*" in *' fetch') ;; *) exec '${git}' "$@" ;; esac\n${packets}\nsleep 3\n`);
    chmodSync(`${bin}/git`, 0o755);
    const env = { ...sandbox.env, PATH: `${bin}:${sandbox.env['PATH']}` };
    expect((await runRemote({ cwd: clone, env }, ['fetch'], { from: 'origin' })).code).to.equal(0);
  });

  it('is waited for without an end when kv.timeout is 0, and a kv.timeout that is no duration is refused', async () => {
    const origin = await remote(`git://127.0.0.1:${port}/never.git`);
    sandbox.git(clone, 'config', 'kv.timeout', '0');
    const outcome = origin.fetch('origin', 'read', FETCH).catch((error: Error) => error.message);
    const waited = await Promise.race([outcome, new Promise((resolve) => setTimeout(resolve, 3000, 'waiting'))]);
    expect(waited).to.equal('waiting');
    for (const socket of sockets) socket.destroy();
    expect(await outcome).not.to.match(/^no answer/);
    sandbox.git(clone, 'config', 'kv.timeout', 'soon');
    expect((await failure(origin.fetch('origin', 'read', FETCH), 'CONFIG_INVALID')).message).to.include('"soon"');
  });

  it('has time to give a plain web server’s files', async () => {
    sandbox.git(clone, 'push', '-q', mirror, `HEAD:${MAIN}`);
    sandbox.git(mirror, 'update-server-info');
    const child = spawn('node', ['-e', WEB_SERVER, mirror], { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    const [address] = (await once(child.stdout, 'data')) as [Buffer];
    const origin = await reader(`http://127.0.0.1:${address.toString().trim()}/`, {});
    await origin.fetch('origin', 'read', FETCH);
    expect(tipOf(sandbox.path('reader'), 'refs/t/main')).to.equal(tipOf(clone, 'HEAD'));
  });
});

/** Serves files; an object takes longer than the limit. */
const WEB_SERVER = `
  const { readFile } = require('node:fs');
  const server = require('node:http').createServer((request, response) => {
    const path = request.url.split('?')[0];
    setTimeout(() => readFile(process.argv[1] + path, (error, body) => response.writeHead(error ? 404 : 200).end(body)),
      path.startsWith('/objects/') ? 2500 : 0);
  });
  server.listen(0, '127.0.0.1', () => console.log(server.address().port));
`;
