import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, chmod, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { openProfile } from '../../plugins/host/index.js';
import type { RepositoryHost } from '../../ports/git/repository-host.js';
import { BIN_DIR } from '../support/root.js';
import { untilListening, World } from '../support/worlds/world.js';

const HOOKS = ['pre-receive', 'proc-receive'];

/** As an earlier version wrote it: ours, and of no use to this one. */
const EARLIER = '#!/bin/sh\n# Written by git-kv-stargate init. Asks the daemon.\nexit 1\n';

describe('stargate: serving a repository that another version made', () => {
  let world: World;
  before(async () => {
    world = await World.create();
    await world.clone('ada');
  });
  after(() => world?.close());

  const hook = (name: string): string => join(world.repo, 'hooks', name);
  const inPlace = async (): Promise<void> => {
    const composition = await openProfile('embedded', { directory: world.repo, env: world.env('ada') });
    expect(await (await composition.get<RepositoryHost>('repository-host')).hooksInPlace()).to.equal(true);
    await composition.close();
    for (const name of HOOKS) expect((await stat(hook(name))).mode & 0o777, name).to.equal(0o755);
  };
  const setting = async (name: string): Promise<string> =>
    (await world.git(world.repo, 'ada', ['config', '--local', '--get-all', name])).stdout;
  const upgraded = (): Record<string, unknown> | undefined =>
    world
      .daemonLog()
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .find(({ event }) => event === 'repository.upgraded');
  const writes = async (value: string): Promise<void> => {
    const ran = await world.kv('ada', ['set', 'k', value]);
    expect(ran.code, ran.stderr).to.equal(0);
    const direct = await world.git(world.clonePath('ada'), 'ada', ['push', world.repo, 'refs/kv/main:refs/heads/direct']);
    expect([direct.code, direct.stderr.includes('only through its Stargate')], direct.stderr).to.deep.equal([1, true]);
  };

  it('changes nothing in one of its own', async () => {
    await world.stop();
    await world.start();
    expect(upgraded()).to.equal(undefined);
  });

  it('writes its own hooks over those of another version, and says so', async () => {
    await world.stop();
    for (const name of HOOKS) await writeFile(hook(name), EARLIER);
    await world.start();
    expect(upgraded()).to.deep.include({ level: 'warn', hooks: ['pre-receive', 'proc-receive'], settings: [] });
    await inPlace();
    await writes('1');
  });

  it('writes one that is gone, and makes one executable that git would pass over', async () => {
    await world.stop();
    await rm(hook('proc-receive'));
    await chmod(hook('pre-receive'), 0o644);
    await world.start();
    await inPlace();
    await writes('2');
  });

  it('adds settings that it lacks, puts the one right that it cannot do without, and leaves the others as they are', async () => {
    await world.stop();
    const config = async (...args: string[]): Promise<unknown> => world.git(world.repo, 'ada', ['config', ...args]);
    await config('--unset', 'receive.unpackLimit');
    await config('receive.procReceiveRefs', 'refs/heads');
    await config('--add', 'receive.procReceiveRefs', 'refs/tags');
    await config('receive.maxInputSize', '1g');
    await world.start();
    expect(upgraded()).to.deep.include({ hooks: [], settings: ['receive.procReceiveRefs', 'receive.unpackLimit'] });
    expect([await setting('receive.procReceiveRefs'), await setting('receive.unpackLimit')]).to.deep.equal(['refs\n', '1\n']);
    expect(await setting('receive.maxInputSize')).to.equal('1g\n');
    await writes('3');
  });

  it('adds one although a crash has left the config locked', async () => {
    await world.stop();
    await world.git(world.repo, 'ada', ['config', '--unset', 'receive.unpackLimit']);
    const lock = join(world.repo, 'config.lock');
    await writeFile(lock, '');
    await world.start();
    expect(upgraded()).to.deep.include({ hooks: [], settings: ['receive.unpackLimit'] });
    expect(world.daemonLog()).to.match(/"event":"repository.unlocked","locks":\["config.lock"\]/);
    expect(await access(lock).catch((error: NodeJS.ErrnoException) => error.code)).to.equal('ENOENT');
  });

  it('does not start over a hook that is somebody else’s, and says what to do', async () => {
    await world.stop();
    const own = '#!/bin/sh\n# ours\nexit 0\n';
    await writeFile(hook('pre-receive'), own);
    const ran = await world.run('git-kv-stargate', [
      ...['serve', '--repo', world.repo, '--listen-ssh', '127.0.0.1:0', '--listen-http', '127.0.0.1:0'],
    ]);
    expect(ran.code).to.equal(78);
    expect(ran.stderr).to.contain(
      `error: ${hook('pre-receive')} is not a hook that a Stargate has written\nhint: move it away: mv `,
    );
    expect(await readFile(hook('pre-receive'), 'utf8')).to.equal(own);
    await rm(hook('pre-receive'));
    await world.start();
    await inPlace();
    await writes('4');
  });

  it('leaves the hooks to the leader while it stands by', async () => {
    for (const name of HOOKS) await writeFile(hook(name), EARLIER); // as if the leader were an earlier version
    const args = ['serve', '--repo', world.repo, '--listen-ssh', '127.0.0.1:0', '--listen-http', '127.0.0.1:0'];
    const standby = spawn(process.execPath, [join(BIN_DIR, 'git-kv-stargate.js'), ...args], { env: world.env('ada') });
    try {
      let log = '';
      standby.stderr.setEncoding('utf8').on('data', (text: string) => {
        log += text;
      });
      const { http } = await untilListening(once(standby, 'exit'), standby.stdout, () => log);
      expect(await readFile(hook('pre-receive'), 'utf8')).to.equal(EARLIER);
      expect((await fetch(`${http}/healthz`)).status).to.equal(200);
      await world.stop();
      while (!log.includes('"leader.won"')) await once(standby.stderr, 'data');
      await inPlace();
    } finally {
      const exited = once(standby, 'exit');
      standby.kill('SIGTERM');
      await exited;
    }
  });
});
