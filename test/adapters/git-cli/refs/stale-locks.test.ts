import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { openGitStore } from '../../../../adapters/git-cli/store.js';
import { openGitRemote } from '../../../../adapters/git-cli/remote/git-remote.js';
import { KvError } from '../../../../ports/error.js';
import { needsFile } from '../../../support/needs/needs.js';
import { Sandbox } from '../../../support/worlds/sandbox.js';

const LEFT = ['refs/kv/main', 'refs/kv-index/main', 'refs/kv-tracking/stargate/kv/main', 'refs/kv-epoch/main'];

describe('git-cli: locks that a killed command has left in a clone', () => {
  let sandbox: Sandbox;
  let gitDir: string;
  let oid: string;
  beforeEach(() => {
    sandbox = new Sandbox();
    sandbox.run('git', ['init', '-q', '--initial-branch=main', sandbox.path('clone')]);
    gitDir = join(sandbox.path('clone'), '.git');
    sandbox.git(sandbox.path('clone'), 'commit', '-q', '--allow-empty', '-m', 'x');
    oid = sandbox.git(sandbox.path('clone'), 'rev-parse', 'HEAD');
  });
  afterEach(() => sandbox.remove());

  /** Leaves locks of this age. */
  const leave = (refs: readonly string[], ageMs: number): void => {
    for (const ref of refs) {
      const path = join(gitDir, `${ref}.lock`);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, '');
      const then = new Date(Date.now() - ageMs);
      utimesSync(path, then, then);
    }
  };
  const left = (refs: readonly string[]): string[] => refs.filter((ref) => existsSync(join(gitDir, `${ref}.lock`)));
  const move = async (ref = 'refs/kv/main'): Promise<KvError | null> => {
    const store = await openGitStore({ directory: sandbox.path('clone'), env: sandbox.env });
    try {
      await store.updateRefs([{ ref, old: null, next: oid }], 'test');
      return null;
    } catch (error) {
      if (KvError.is(error)) return error;
      throw error;
    } finally {
      await store.close();
    }
  };

  it('are all cleared by the next that moves a ref', async () => {
    leave(LEFT, 90_000);
    expect(await move()).to.equal(null);
    expect([left(LEFT), sandbox.git(sandbox.path('clone'), 'rev-parse', 'refs/kv/main')]).to.deep.equal([[], oid]);
  });

  it('are all cleared by the next fetch', async () => {
    sandbox.git(sandbox.path('clone'), 'remote', 'add', 'origin', sandbox.path('clone'));
    leave(LEFT, 90_000);
    const remote = await openGitRemote({ directory: sandbox.path('clone'), env: sandbox.env });
    const localRef = LEFT[2] as string;
    await remote.fetch('origin', 'read', [{ remoteRef: 'refs/heads/main', localRef }]);
    expect([left(LEFT), sandbox.git(sandbox.path('clone'), 'rev-parse', localRef)]).to.deep.equal([[], oid]);
  });

  it('that are some seconds old are cleared where no git is at work in the clone, and only there', async function () {
    needsFile(this, '/proc/self/comm'); // elsewhere nobody can tell, and a minute has to pass
    leave(LEFT, 5000);
    const held = spawn('git', ['-C', sandbox.path('clone'), 'update-ref', '--stdin'], {
      env: sandbox.env,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const ended = once(held, 'exit');
    held.stdin.write(`start\nupdate refs/kv/other ${oid}\nprepare\n`);
    for (let said = ''; !said.includes('prepare: ok'); ) said += String((await once(held.stdout, 'data'))[0]);
    try {
      const error = await move();
      expect([error?.code, left(LEFT)]).to.deep.equal(['CAS_CONFLICT', LEFT]);
      for (const ref of LEFT) expect(error?.hint, 'one command removes all of them').to.include(`'${gitDir}/${ref}.lock'`);
      expect(error?.hint).to.match(/rm -f '\//);
    } finally {
      held.stdin.end();
      await ended;
    }
    expect([await move(), left(LEFT)]).to.deep.equal([null, []]);
  });

  it('are left alone while they are young, on other refs, and in a Stargate', async () => {
    leave(LEFT, 0);
    expect((await move())?.code).to.equal('CAS_CONFLICT');
    leave(['refs/heads/kv/x'], 90_000);
    expect((await move('refs/heads/kv/x'))?.hint).to.include('refs/heads/kv/x.lock');
    mkdirSync(join(gitDir, '.stargate'));
    leave(LEFT, 90_000);
    expect((await move())?.code).to.equal('CAS_CONFLICT');
    expect(left(LEFT)).to.deep.equal(LEFT);
  });
});
