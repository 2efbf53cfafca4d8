import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { type SettlingFlags, settle } from '../../../apps/stargate/settings/settle.js';
import { fromEnvironment } from '../../../apps/stargate/settings/sources.js';
import { chooseProfile } from '../../../apps/stargate/stargate-profile.js';
import { openProfile } from '../../../plugins/host/index.js';
import { thrownBy } from '../../contracts/mirror-target.js';
import { isolatedEnv } from '../../support/worlds/isolated-env.js';
import { type Temporary, temporaryFolder } from '../../support/temporary.js';

describe('what a Stargate is told', () => {
  let folder: Temporary;
  let repo: string;
  let profile: string;

  before(async () => {
    folder = await temporaryFolder();
    repo = join(folder.path, 'kv.git');
    profile = join(folder.path, 'deep', 'mine.yaml');
    const env = isolatedEnv(folder.path);
    execFileSync('git', ['init', '--quiet', '--bare', repo], { env });
    const settings = {
      'stargate.listenHttp': '127.0.0.1:3',
      'stargate.sampleSize': '3',
      'stargate.journal.path': 'from-git',
      'stargate.mirror-target.breaker.resetMs': '33',
    };
    for (const [key, value] of Object.entries(settings)) execFileSync('git', ['-C', repo, 'config', key, value], { env });
    await mkdir(join(folder.path, 'deep'));
    await writeFile(
      profile,
      `name: mine
extends: embedded
settings: { listen-ssh: '127.0.0.1:4', listen-http: '127.0.0.1:4', sample-size: 4, policy-path: ./policy.yaml }
adapters:
  journal: { config: { path: from-profile } }
  mirror-target: { config: { remote: from-profile }, wrap: [breaker] }
`,
    );
  });
  after(() => folder.remove());

  const values = async (flags: SettlingFlags, env: Record<string, string>): Promise<Record<string, unknown>> => {
    const { settings, choice } = await settle(repo, { profile, ...flags }, env);
    const composition = await openProfile(await chooseProfile(choice), { directory: repo, env: {} });
    const adapters = (await composition.values()).map(({ name, value, source }) => [name, `${value} ${source}`] as const);
    const own = Object.entries(settings).map(([name, { value, place }]) => [name, `${value} ${place.source}`] as const);
    return Object.fromEntries([...own, ...adapters]);
  };

  it('is told by a flag before the environment, before the repository, before the profile, before what is usual', async () => {
    const env = { GIT_KV_SAMPLE_SIZE: '2', GIT_KV_JOURNAL__PATH: 'from-env' };
    expect(await values({ 'sample-size': '1', set: ['journal.path=from-flag'] }, env)).to.deep.include({
      'sample-size': '1 flag',
      'adapters.journal.config.path': 'from-flag flag',
    });
    const found = await values({}, env);
    expect(found).to.deep.include({
      profile: `${profile} flag`,
      'sample-size': '2 environment',
      'listen-http': '127.0.0.1:3 repository',
      'listen-ssh': '127.0.0.1:4 profile',
      'policy-path': `${join(folder.path, 'deep', 'policy.yaml')} profile`,
      'mirror-remote': 'undefined default',
      'adapters.journal.config.path': 'from-env environment',
      'adapters.mirror-target.config.remote': 'from-profile profile',
      'adapters.mirror-target.config.atomic': 'true default',
      'adapters.mirror-target.wrap[0].config.resetMs': '33 repository',
    });
    expect(await values({}, { GIT_KV_MIRROR_REMOTE: 'other' })).to.include({
      'adapters.mirror-target.config.remote': 'other environment',
    });
    const plain = join(folder.path, 'plain.yaml');
    await writeFile(plain, 'name: plain\nextends: embedded\nadapters: { mirror-target: { wrap: [breaker] } }\n');
    expect(await values({ profile: plain }, {})).to.include({ 'adapters.journal.config.path': 'from-git repository' });
  }).timeout(10_000);

  it('refuses what it does not know, with its place and what was meant', async () => {
    for (const [env, message, hint] of [
      [{ GIT_KV_LISTEN_SHH: 'x' }, 'GIT_KV_LISTEN_SHH: no variable is called so', "did you mean 'GIT_KV_LISTEN_SSH'?"],
      [{ GIT_KV_JURNAL__PATH: 'x' }, "GIT_KV_JURNAL__PATH: no port is called 'JURNAL'", "did you mean 'journal'?"],
    ] as const) {
      const error = await thrownBy(values({}, env));
      expect([error.code, error.message, error.hint]).to.deep.equal(['CONFIG_INVALID', message, hint]);
    }
    expect(fromEnvironment({ GIT_KV_SOMETHING_ELSE: 'x', GIT_KV_FAILPOINT: 'y', PATH: '/bin' }).settings.size).to.equal(0);
    const set = await thrownBy(values({ set: ['journal.path'] }, {}));
    expect([set.code, set.message]).to.deep.equal(['USAGE', "--set wants PORT.KEY=VALUE, and got 'journal.path'"]);
  });

  it('refuses a setting of a profile, or of the repository, that nobody knows', async () => {
    const wrong = join(folder.path, 'wrong.yaml');
    await writeFile(wrong, 'name: w\nextends: embedded\nsettings:\n  listen-shh: x\n');
    const error = await thrownBy(settle(repo, { profile: wrong }, {}));
    expect([error.message, error.hint]).to.deep.equal([
      `${wrong}:4: settings.listen-shh: unknown key`,
      "did you mean 'listen-ssh'?",
    ]);
    execFileSync('git', ['-C', repo, 'config', 'stargate.listenShh', 'x'], { env: isolatedEnv(folder.path) });
    const here = await thrownBy(settle(repo, {}, {}));
    execFileSync('git', ['-C', repo, 'config', '--unset', 'stargate.listenShh'], { env: isolatedEnv(folder.path) });
    expect([here.code, here.message, here.hint]).to.deep.equal([
      'CONFIG_INVALID',
      'git config stargate.listenshh: no setting is called so',
      "did you mean 'stargate.listenSsh'?",
    ]);
  });
});
