import { access, mkdir, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { parseRejection } from '../../ports/rejection.js';
import { BIN_DIR } from '../support/root.js';
import { RootStargate } from '../support/worlds/root-stargate.js';
import { until } from '../support/until.js';

describe('stargate: many repositories', () => {
  let stargate: RootStargate;
  beforeEach(() => {
    stargate = new RootStargate();
  });
  afterEach(() => stargate.close());

  const status = async (person: string, name: string): Promise<Record<string, unknown>> => {
    const ran = await stargate.ssh(person, `git-kv-admin '${name}' status`);
    expect(ran.stderr).to.equal('');
    return JSON.parse(ran.stdout) as Record<string, unknown>;
  };

  it('are each served with their own policy, journal and lease, as many at a time as may be open', async () => {
    await stargate.make('ada/one', 'ada');
    await stargate.make('bob/two', 'bob', 'ada');
    await stargate.start({ most: 1 });
    const { sandbox } = stargate;
    sandbox.run('git', ['init', '-q', '-b', 'main', sandbox.path('work')]);
    sandbox.git(sandbox.path('work'), 'commit', '-q', '--allow-empty', '-m', 'first');
    for (const name of ['ada/one', 'bob/two']) {
      const pushed = await stargate.git('ada', '-C', sandbox.path('work'), 'push', '-q', `{${name}}`, 'main');
      expect([pushed.code, pushed.stderr]).to.deep.equal([0, '']);
    }
    const cloned = await stargate.git('bob', 'clone', '-q', '{bob/two}', sandbox.path('clone'));
    expect([cloned.code, cloned.stderr]).to.deep.equal([0, '']);
    const one = await status('ada', '/ada/one.git');
    expect([one['repository'], one['leader'], (one['mirror'] as { label: string }).label]).to.deep.equal([
      join(stargate.root, 'ada/one.git'),
      true,
      'none',
    ]);
    const opened = stargate.lines.filter(({ event }) => event === 'repository.opened').map(({ repository }) => repository);
    expect(opened).to.deep.equal(['ada/one', 'bob/two', 'ada/one']);
    const pushes = stargate.lines.filter(({ event }) => event === 'push.accepted').map(({ repository }) => repository);
    expect(new Set(pushes)).to.deep.equal(new Set(['ada/one', 'bob/two']));
  });

  it('tell nobody of those that are not theirs: forbidden, absent and no name at all are refused alike, and open nothing', async () => {
    await stargate.make('ada/one', 'ada');
    await stargate.make('bob/two', 'bob');
    await stargate.start();
    const refusals = await Promise.all(
      ['ada/one', 'ada/none', '../root/ada/one', 'ada/../ada/one', 'a/b/c', `${stargate.root}/ada/one`, 'x'.repeat(300)].map(
        async (path) => {
          const { code, stderr } = await stargate.ssh('bob', `git-upload-pack '${path}'`);
          const error = parseRejection(stderr);
          return [code, error?.code, error?.message.replace(path.slice(0, 200), 'PATH'), error?.hint];
        },
      ),
    );
    for (const refusal of refusals) expect(refusal).to.deep.equal(refusals[0]);
    expect(refusals[0]?.[1]).to.equal('NOT_FOUND');
    expect(stargate.lines.filter(({ event }) => event === 'repository.opened')).to.have.length(0);
    expect((await stargate.ssh('eve', "git-upload-pack 'ada/one'")).stderr).to.contain('Permission denied');
  });

  it('are written and read by git kv as any other; without a mirror, a write is seen at once', async () => {
    await stargate.make('ada/shop', 'ada');
    const { ssh } = await stargate.start();
    const { sandbox } = stargate;
    const url = `ssh://git@127.0.0.1:${ssh.port}/ada/shop.git`;
    await stargate.setPolicy('ada/shop', stargate.policy('ada').replace('stargate: {', `stargate: { push_url: "${url}",`));
    const clone = sandbox.path('clone');
    const published = async (): Promise<boolean> =>
      (await stargate.git('ada', 'ls-remote', url, 'refs/kv-policy/current')).stdout.includes('refs/kv-policy/current') &&
      stargate.lines.some(({ event }) => event === 'leader.won');
    await until('the policy is published', published);
    expect((await stargate.git('ada', 'clone', '-q', url, clone)).code).to.equal(0);
    for (const [name, value] of [
      ...[['gpg.format', 'ssh'] as const, ['user.signingKey', stargate.key('ada')] as const],
      ...[['core.sshCommand', stargate.sshCommand('ada')] as const],
    ])
      sandbox.git(clone, 'config', name, value);
    const kv = (...args: readonly string[]) =>
      sandbox.exec('sh', ['-c', 'cd "$0" && exec "$@"', clone, process.execPath, join(BIN_DIR, 'git-kv.js'), ...args]);
    for (const args of [
      ['remote', 'setup'],
      ['set', 'a', '1', '--wait'],
    ]) {
      const ran = await kv(...args);
      expect(ran.code, ran.stderr).to.equal(0);
    }
    expect((await kv('get', 'a')).stdout).to.equal('1');
  });

  it('are taken up while it runs, with the keys that a policy lists by then', async () => {
    await stargate.make('ada/one', 'ada');
    await stargate.start();
    await stargate.make('bob/new', 'ada');
    expect((await status('ada', 'bob/new'))['leader']).to.equal(true);
    await stargate.setPolicy('ada/one', stargate.policy('ada', 'bob'));
    await until('bob may log in', async () => (await stargate.ssh('bob', "git-kv-admin 'ada/one' status")).code === 0);
    await stargate.setPolicy('ada/one', stargate.policy('bob'));
    await until('ada may not', async () => (await stargate.ssh('ada', "git-kv-admin 'ada/one' status")).code !== 0);
    expect((await status('ada', 'bob/new'))['leader']).to.equal(true);
  });

  it('with work left are opened at the start, and those that rest are not', async () => {
    const [resting, left] = [await stargate.make('ada/resting', 'ada'), await stargate.make('ada/left', 'ada')];
    await rm(join(left, '.stargate', 'at-rest'));
    await stargate.start();
    const has = (wanted: string): boolean => stargate.lines.some(({ event }) => event === wanted);
    // The policy that it has published is on its way: until that is over, work is left.
    await until('it is open, and has nothing left to do', () => has('repository.opened') && has('mirror.pushed'));
    await stargate.stop();
    expect(stargate.lines.filter(({ event }) => event === 'repository.opened').map(({ repository }) => repository)).to.deep.equal(
      ['ada/left'],
    );
    for (const folder of [resting, left]) await access(join(folder, '.stargate', 'at-rest'));
  });

  it('are counted by its metrics, and answered for by its health', async () => {
    await stargate.make('ada/one', 'ada');
    await stargate.make('bob/two', 'ada');
    const { http } = await stargate.start();
    await status('ada', 'ada/one');
    const ask = async (path: string) => (await fetch(`http://${http.host}:${http.port}${path}`)).text();
    const metrics = await ask('/metrics');
    for (const line of ['{state="known"} 2', '{state="open"} 1', '{state="led"} 1', '{state="owed"} 0'])
      expect(metrics).to.contain(`stargate_repositories${line}`);
    expect(metrics).to.contain('stargate_ha_role 1\n').and.not.contain('ada/one');
    expect(JSON.parse(await ask('/readyz'))).to.deep.equal({ status: 'ok', reasons: [], open: 1, repositories: 2, owed: 0 });
    expect(JSON.parse(await ask('/healthz'))).to.include({ status: 'ok' });
  });

  it('leave nothing of what a crash ended while they were made, but what is being made', async () => {
    await stargate.make('ada/one', 'ada');
    const drafts = join(stargate.root, '.stargate', 'drafts');
    for (const name of ['left.git', 'made.git']) await mkdir(join(drafts, name, 'objects'), { recursive: true });
    const hoursAgo = new Date(Date.now() - 2 * 3_600_000);
    await utimes(join(drafts, 'left.git'), hoursAgo, hoursAgo);
    await stargate.start();
    expect(await readdir(drafts)).to.deep.equal(['made.git']);
    expect((await status('ada', 'ada/one'))['leader']).to.equal(true);
  });

  it('are of the cluster that the root is of, and none of another', async () => {
    const profile = stargate.sandbox.path('cluster.yaml');
    const peers = '{ use: peer-memory, config: { self: s1, servers: [s1], place: root.test } }';
    await writeFile(profile, `name: cluster\nextends: embedded\nadapters: { peer-transport: ${peers} }\n`);
    const choice = { profile, mirrorRemote: undefined, plugins: [] };
    await stargate.make('ada/one', 'ada');
    await stargate.start({ choiceOf: async () => choice });
    const refused = await stargate.ssh('ada', "git-kv-admin 'ada/one' status");
    expect(parseRejection(refused.stderr)?.code).to.equal('CONFIG_INVALID');
  });

  it('are made, listed and taken away by git-kv-stargate repo', async () => {
    const { sandbox, root } = stargate;
    const repo = (...args: readonly string[]) => sandbox.stargate(['repo', ...args, '--root', root]);
    const create = (name: string) => repo('create', name, '--admin', `${stargate.key('ada')}.pub`);
    const made = await create('ada/one');
    expect([made.code, made.stderr]).to.deep.equal([0, '']);
    expect((await create('Ada/One')).stderr).to.contain('differs from Ada/One in case alone');
    expect((await create('../x')).code).to.equal(64);
    await stargate.start();
    expect((await status('ada', 'ada/one'))['leader']).to.equal(true);
    const checked = await sandbox.stargate(['check', '--repo', join(root, 'ada/one.git')]);
    expect([checked.code, checked.stdout, checked.stderr]).to.deep.equal([0, checked.stdout, '']);
    expect((await repo('remove', 'ada/one')).code).to.equal(64);
    const refused = await repo('remove', 'ada/one', '--yes');
    expect([refused.code, refused.stderr]).to.deep.equal([5, refused.stderr]);
    expect(refused.stderr).to.contain('ada/one is served now');
    await stargate.stop();
    const removed = await repo('remove', 'ada/one', '--yes');
    expect([removed.code, removed.stdout.split('\n')[0]]).to.deep.equal([0, 'removed ada/one']);
    expect((await repo('list')).stdout).to.equal('');
  });
});
