import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { rejectionIn } from '../../support/failure.js';
import { rig, type Rig } from '../../support/worlds/rig.js';
import { announced, rawPush } from './attacks/raw-push.js';
import { deltaBomb } from './attacks/delta-bomb.js';

const MiB = 1024 ** 2;
const AMPLE = 600_000;

describe('hostile: packs that git cannot unpack within bounds', () => {
  const within = async (git: { memory: number; time: number }, check: (r: Rig) => Promise<void>): Promise<void> => {
    const r = await rig({ limits: { git } });
    try {
      await check(r);
    } finally {
      await r.close();
    }
  };
  const bomb = (r: Rig): Promise<string> => {
    const to = { host: '127.0.0.1', port: r.ssh.port, keyFile: r.keys.writer, path: 'shop.git' };
    return rawPush(to, [announced('refs/heads/bomb', 'b'.repeat(40)), deltaBomb()], 60_000);
  };

  it('refuses the push of one that takes more memory than git may have, and leaves nothing of it', () =>
    within({ memory: 128 * MiB, time: AMPLE }, async (r) => {
      const stored = (): string => r.sandbox.git(r.gitDir, 'count-objects', '-v');
      const before = stored();
      const rejection = rejectionIn(await bomb(r));
      expect(rejection?.code).to.equal('POLICY_VIOLATION');
      expect(rejection?.message).to.contain('128MiB of memory');
      expect(r.outcomes.map((outcome) => outcome.kind === 'rejected' && outcome.error.code)).to.deep.equal(['POLICY_VIOLATION']);
      expect(r.gateway.validated).to.have.length(0);
      expect(stored()).to.equal(before);
    }));

  it('refuses the push of one that takes more time than git may have', () =>
    within({ memory: 4096 * MiB, time: 1000 }, async (r) => {
      const rejection = rejectionIn(await bomb(r));
      expect(rejection?.code).to.equal('POLICY_VIOLATION');
      expect(rejection?.message).to.contain('1s of processor time');
    }));

  it('takes a file that is larger than what git may have in memory', () =>
    within({ memory: 32 * MiB, time: AMPLE }, async (r) => {
      await writeFile(join(r.work, 'large'), randomBytes(34 * MiB));
      r.sandbox.git(r.work, '-c', 'core.compression=0', 'add', 'large');
      r.sandbox.git(r.work, 'commit', '--quiet', '-m', 'large');
      const pushed = await r.push('HEAD:refs/heads/main');
      expect(pushed.code, pushed.stderr).to.equal(0);
      const url = `ssh://git@127.0.0.1:${r.ssh.port}/shop.git`;
      const env = { GIT_SSH_COMMAND: r.sshCommand(r.keys.reader) };
      const cloned = await r.sandbox.exec(
        'git',
        ['clone', '--quiet', '--bare', '--branch=main', url, r.sandbox.path('copy')],
        env,
      );
      expect(cloned.code, cloned.stderr).to.equal(0);
    }));
});
