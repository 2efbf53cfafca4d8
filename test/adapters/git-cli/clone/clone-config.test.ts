import { expect } from 'chai';
import { openCloneConfig, openCloneConfigWriter } from '../../../../adapters/git-cli/config/clone-config.js';
import { failure } from '../../../support/failure.js';
import { Sandbox } from '../../../support/worlds/sandbox.js';

describe('git-cli clone configuration', () => {
  let sandbox: Sandbox;
  let clone: string;
  beforeEach(() => {
    sandbox = new Sandbox();
    clone = sandbox.path('clone');
    sandbox.run('git', ['init', '-q', clone]);
  });
  afterEach(() => sandbox.remove());

  it('writes and reads values, several of a key too', async () => {
    const writer = await openCloneConfigWriter({ directory: clone, env: sandbox.env });
    await writer.set('kv.maxAge', ['30s']);
    await writer.set('remote.Or.igin.fetch', ['+refs/a/*:refs/b/*', '-x', 'line\nbreak']);
    let config = await openCloneConfig({ directory: clone, env: sandbox.env });
    expect(config.get('kv.maxage')).to.equal('30s');
    expect(config.all('remote.Or.igin.fetch')).to.deep.equal(['+refs/a/*:refs/b/*', '-x', 'line\nbreak']);
    expect(config.get('remote.or.igin.fetch')).to.equal(undefined);
    await writer.set('remote.Or.igin.fetch', ['one']);
    await writer.set('kv.maxage', []);
    await writer.set('kv.maxage', []);
    config = await openCloneConfig({ directory: clone, env: sandbox.env });
    expect(config.all('remote.Or.igin.fetch')).to.deep.equal(['one']);
    expect(config.all('kv.maxage')).to.deep.equal([]);
    await failure(writer.set('nodot', ['x']), 'INPUT_INVALID');
    await failure(writer.set('--global', ['x']), 'INPUT_INVALID');
  });

  it('knows who writes', async () => {
    const open = async (env: Record<string, string | undefined>) =>
      (
        await openCloneConfig({
          directory: clone,
          env: { ...sandbox.env, GIT_AUTHOR_NAME: undefined, GIT_AUTHOR_EMAIL: undefined, ...env },
        })
      ).identity();
    expect(await open({ GIT_AUTHOR_NAME: 'Ann', GIT_AUTHOR_EMAIL: 'ann@x' })).to.equal('Ann <ann@x>');
    sandbox.git(clone, 'config', 'user.useConfigOnly', 'true');
    expect((await failure(open({}), 'CONFIG_INVALID')).hint).to.include('git config user.name');
    sandbox.git(clone, 'config', 'user.name', ' <Bo>, ');
    sandbox.git(clone, 'config', 'user.email', 'bo@x');
    expect(await open({})).to.equal('Bo <bo@x>');
  });
});
