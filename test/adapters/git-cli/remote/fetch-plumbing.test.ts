import { expect } from 'chai';
import { writeFileSync } from 'node:fs';
import { fetchesPlainly } from '../../../../adapters/git-cli/remote/fetch/fetch-plumbing.js';
import { Sandbox } from '../../../support/worlds/sandbox.js';

describe('git-cli: which fetches are left to git’s plumbing', () => {
  let sandbox: Sandbox;
  beforeEach(() => {
    sandbox = new Sandbox();
  });
  afterEach(() => sandbox.remove());

  const NS = ['refs/kv/main', 'refs/kv-index/main', 'refs/kv-policy/current'];
  const plainly = (url: string, { refs = NS, config = [] as string[], env = {} as Record<string, string> } = {}): boolean =>
    fetchesPlainly(
      { place: { cwd: sandbox.folder, env: { ...sandbox.env, ...env } } as never, commonDir: sandbox.folder },
      { all: () => [], names: () => config },
      url,
      refs.map((remoteRef) => ({ remoteRef, localRef: remoteRef.replace('refs/', 'refs/t/') })),
    );

  it('are those of namespaces, from a path or over ssh', async () => {
    for (const url of ['/srv/m.git', './m.git', '../m.git', 'ssh://git@host:22/m.git', 'git@host:m.git', 'host:m.git']) {
      expect(await plainly(url), url).to.equal(true);
    }
    for (const url of [
      'https://host/m.git',
      'http://host/m',
      'git://host/m',
      'file:///srv/m.git',
      'ext::sh -c true',
      'm.git',
      '--x',
    ]) {
      expect(await plainly(url), url).to.equal(false);
    }
    expect(await plainly('/srv/m.git', { refs: [...NS, 'refs/heads/main'] })).to.equal(false);
  });

  it('are none where only the porcelain knows the way, or what is not here', async () => {
    for (const config of [
      'url.ssh://other/.insteadof',
      'protocol.ssh.allow',
      'extensions.partialclone',
      'remote.origin.promisor',
      'remote.origin.uploadpack',
    ]) {
      expect(await plainly('/srv/m.git', { config: [config] }), config).to.equal(false);
    }
    expect(await plainly('/srv/m.git', { env: { GIT_ALLOW_PROTOCOL: 'ssh' } })).to.equal(false);
    writeFileSync(sandbox.path('shallow'), `${'a'.repeat(40)}\n`);
    expect(await plainly('/srv/m.git')).to.equal(false);
  });
});
