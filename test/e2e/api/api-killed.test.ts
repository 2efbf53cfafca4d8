import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type FSWatcher, readdirSync, watch } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { type ApiProcess, startApi } from '../../support/programs/api-process.js';
import { isolatedEnv } from '../../support/worlds/isolated-env.js';
import { temporaryFolder } from '../../support/temporary.js';

const run = promisify(execFile);

describe('git-kv-api, killed in the middle of a push', () => {
  it('has all that it has acknowledged, and nothing by halves', async function () {
    this.timeout(120_000);
    const folder = await temporaryFolder();
    const env = isolatedEnv(folder.path, 'Dev');
    const data = join(folder.path, 'data');
    const bare = join(data, 'repos', 'r.git');
    const clone = join(folder.path, 'clone');
    const git = async (...args: readonly string[]): Promise<string> =>
      (await run('git', args, { env, cwd: folder.path, encoding: 'utf8' })).stdout.trim();
    const start = (): Promise<ApiProcess> =>
      startApi({ GIT_KV_API_DATA: data, GIT_KV_API_ANONYMOUS_ROLE: 'developer', GIT_KV_API_LOG_LEVEL: 'WARN' });
    const commit = async (name: string, bytes: number): Promise<string> => {
      await writeFile(join(clone, name), randomBytes(bytes));
      await git('-C', clone, 'add', '-A');
      await git('-C', clone, 'commit', '-qm', name);
      return git('-C', clone, 'rev-parse', 'HEAD');
    };
    const url = (): string => `${running.base}/git/r.git`;
    /** What the bare repository has, as git sees it. */
    const tip = async (): Promise<string> => {
      await git('--git-dir', bare, 'fsck', '--strict', '--no-dangling');
      return git('--git-dir', bare, 'rev-parse', 'main');
    };
    let running = await start();
    const api = async (method: string, path: string, body?: object): Promise<Record<string, unknown>> => {
      const headers = { 'Content-Type': 'application/json' };
      const response = await fetch(running.base + path, {
        method,
        headers,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return (await response.json()) as Record<string, unknown>;
    };
    let watching: FSWatcher | null = null;
    try {
      await api('POST', '/api/v1/repos', { id: 'r' });
      await git('init', '-q', '-b', 'main', clone);
      const first = await commit('first', 1000);
      await git('-C', clone, 'push', '-q', url(), 'main');

      // While the pack is still coming: a part of the request is there, the rest never comes.
      const { hostname, port } = new URL(running.base);
      const socket = connect(Number(port), hostname);
      socket.on('error', () => undefined); // it is cut off
      const type = 'application/x-git-receive-pack-request';
      const head = [
        'POST /git/r.git/git-receive-pack HTTP/1.1',
        'Host: x',
        `Content-Type: ${type}`,
        'Content-Length: 5000000',
        '',
        '',
      ];
      const line = `${first} ${'1'.repeat(40)} refs/heads/main\0report-status`;
      socket.write(`${head.join('\r\n')}${(line.length + 4).toString(16).padStart(4, '0')}${line}0000PACK`);
      socket.write(Buffer.concat([Buffer.from([0, 0, 0, 2, 0, 0, 0, 1]), randomBytes(500_000)]));
      await once(socket, 'drain').catch(() => undefined);
      // It serves others meanwhile; what they are told stays too.
      await api('POST', '/api/v1/repos/r/files', { path: 'meanwhile', content: 'x' });
      const second = String((await api('POST', '/api/v1/repos/r/commits', { message: 'meanwhile' }))['hash']);
      await running.end('SIGKILL');
      socket.destroy();
      expect(await tip()).to.equal(second);

      // While it is written down: the first thing that appears among the objects is the moment.
      running = await start();
      await git('-C', clone, 'pull', '-q', '--rebase', url(), 'main');
      const third = await commit('large', 3_000_000);
      const { child } = running;
      watching = watch(join(bare, 'objects'), { recursive: true }, () => void child.kill('SIGKILL'));
      const pushing = spawn('git', ['-C', clone, 'push', '-q', url(), 'main'], { env, stdio: 'ignore' });
      const [pushed] = (await once(pushing, 'exit')) as [number | null];
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      watching.close();
      const after = await tip();
      expect(after).to.be.oneOf(pushed === 0 ? [third] : [second, third]);

      // It starts as if nothing had happened, and takes the same push.
      running = await start();
      expect((await api('GET', '/api/v1/repos/r/branches'))['branches']).to.deep.equal([
        { name: 'main', commit: after, is_current: true },
      ]);
      await git('-C', clone, 'push', '-q', url(), 'main');
      expect(await tip()).to.equal(third);
      await git('clone', '-q', url(), 'again');
      expect(await git('-C', 'again', 'rev-parse', 'HEAD')).to.equal(third);
      expect((await running.end('SIGTERM'))[0]).to.equal(0);
      expect(readdirSync(bare).filter((name) => name.endsWith('.lock'))).to.deep.equal([]);
    } finally {
      watching?.close();
      running.child.kill('SIGKILL');
      await folder.remove();
    }
  });
});
