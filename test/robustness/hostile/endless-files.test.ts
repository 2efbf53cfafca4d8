import { chmod, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { openToAll } from '../../../apps/stargate/check/open-to-all.js';
import { readHostKeys } from '../../../apps/stargate/host-key/key-files.js';
import { openPolicyFile } from '../../../apps/stargate/repository/policy-file.js';
import { parsePolicy } from '../../../adapters/policy-yaml/open.js';
import { openProfile, readProfile } from '../../../plugins/host/index.js';
import type { RepositoryHost } from '../../../ports/git/repository-host.js';
import { failure } from '../../support/failure.js';
import { Sandbox } from '../../support/worlds/sandbox.js';
import { SILENT } from '../../support/silent-log.js';

/** Read as files are, a pipe is waited for until somebody writes to it, and so is the end of the process that reads. */
describe('hostile: what is no file where one is read', () => {
  let sandbox: Sandbox;
  beforeEach(() => {
    sandbox = new Sandbox();
  });
  afterEach(() => sandbox.remove());

  /** Puts a pipe where a file was, or was not. */
  const pipe = async (path: string): Promise<void> => {
    await rm(path, { force: true });
    sandbox.run('mkfifo', [path]);
  };

  it('as the policy leaves the one from before in force, and says why', async () => {
    const path = sandbox.path('policy.yaml');
    await writeFile(path, 'version: 1\n');
    const told: unknown[] = [];
    const log = {
      ...SILENT,
      error: (_event: string, fields?: Readonly<Record<string, unknown>>) => told.push(fields?.['message']),
    };
    const file = await openPolicyFile({ path, reader: { parse: parsePolicy }, onChange: () => undefined, log });
    try {
      await pipe(path);
      expect(await file.reload()).to.equal(false);
      await rm(path);
      await writeFile(path, '');
      await truncate(path, 2 ** 30);
      expect(await file.reload()).to.equal(false);
      expect(file.current.text).to.equal('version: 1\n');
      expect(told).to.deep.equal([
        `cannot read the policy ${path}: it is no regular file`,
        `cannot read the policy ${path}: it has more than ${4 * 1024 ** 2} bytes`,
      ]);
    } finally {
      file.close();
    }
  });

  it('as a host key, a hook or a profile is refused at once', async () => {
    const gitDir = sandbox.path('shop.git');
    const composition = await openProfile('test', { directory: gitDir, env: sandbox.env });
    try {
      const host = await composition.get<RepositoryHost>('repository-host');
      await host.create({ objectFormat: 'sha1', mirror: null });
      expect(await host.hooksInPlace()).to.equal(true);
      await pipe(join(gitDir, 'hooks', 'pre-receive'));
      expect(await host.hooksInPlace()).to.equal(false);
      await failure(host.check(), 'CONFIG_INVALID');
      await pipe(join(gitDir, '.stargate', 'ssh_host_ed25519_key'));
      await failure(readHostKeys(gitDir), 'CONFIG_INVALID');
      await pipe(sandbox.path('profile.yaml'));
      await failure(readProfile(sandbox.path('profile.yaml')), 'IO_ERROR');
    } finally {
      await composition.close();
    }
  });

  it('any user may change is named', async () => {
    const gitDir = sandbox.bare('shop.git');
    const policy = sandbox.path('policy.yaml');
    await writeFile(policy, '');
    await writeFile(join(gitDir, 'hooks', 'pre-receive'), '');
    expect(await openToAll(gitDir, policy)).to.deep.equal([]);
    for (const path of [policy, join(gitDir, 'hooks', 'pre-receive')]) await chmod(path, 0o666);
    await chmod(join(gitDir, 'hooks'), 0o777);
    await chmod(gitDir, 0o1777);
    const expected = [policy, join(gitDir, 'hooks'), join(gitDir, 'hooks', 'pre-receive')];
    expect(await openToAll(gitDir, policy)).to.have.members(expected);
  });
});
