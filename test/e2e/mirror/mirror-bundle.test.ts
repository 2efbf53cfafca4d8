import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { ROOT } from '../../support/root.js';
import { World } from '../../support/worlds/world.js';

describe('e2e: a mirror that is carried', function () {
  this.timeout(60_000);
  let world: World;
  before(async () => {
    world = await World.create();
    await world.clone('ada'); // while its mirror is the one that clones are made of
    await world.stop();
    const profile = readFileSync(join(ROOT, 'apps', 'profiles', 'embedded.yaml'), 'utf8');
    const carried = profile.replace(
      /^ {2}mirror-target:\n( {4}.*\n)+/m,
      `  mirror-target: { use: mirror-bundle, config: { folder: ${world.dir}/stick } }\n`,
    );
    writeFileSync(join(world.dir, 'carried.yaml'), carried);
    await world.start({}, ':', ['--profile', join(world.dir, 'carried.yaml')]);
  });
  after(() => world?.close());

  const set = async (key: string, value: string): Promise<void> => {
    const ran = await world.kv('ada', ['set', key, value]);
    expect(ran.code, ran.stderr).to.equal(0);
  };
  /** Resolves when the newest link names what the Stargate has. */
  const written = (): Promise<void> =>
    world.until('the newest link has the ledger', async () => {
      const ledger = (await world.refs()).get('refs/kv/main');
      const names = readdirSync(join(world.dir, 'stick')).filter((name) => name.endsWith('.manifest'));
      return (
        ledger !== undefined &&
        names.some((name) => readFileSync(join(world.dir, 'stick', name), 'utf8').includes(`"next":"${ledger}"`))
      );
    });

  it('is imported without a network, link by link, and read and verified there', async () => {
    await set('cfg:color', 'blue');
    await written();
    await set('cfg:size', 'large');
    await written();
    const far = join(world.dir, 'far');
    mkdirSync(far);
    const git = (...args: string[]) => world.git(far, 'ada', args, { env: { GIT_SSH_COMMAND: 'false' } });
    await git('init', '-q');
    const stick = join(world.dir, 'stick');
    const unnamed = await git('kv', 'mirror', 'import', stick, '--json');
    const { error } = JSON.parse(unnamed.stdout) as { error: { code: string; hint: string } };
    expect([unnamed.code, error.code]).to.deep.equal([3, 'SIGNER_UNKNOWN']);
    const [, shown = ''] = /--fingerprint (SHA256:\S+)/.exec(error.hint) ?? [];
    const last = readdirSync(stick)
      .filter((name) => name.endsWith('.bundle'))
      .sort()
      .at(-1) as string;
    renameSync(join(stick, last), join(stick, 'aside'));
    const cut = await git('kv', 'mirror', 'import', stick, '--fingerprint', shown);
    expect(cut.code, cut.stderr).to.equal(6);
    writeFileSync(join(stick, last), readFileSync(join(stick, 'aside')));
    truncateSync(join(stick, last), 100);
    const short = await git('kv', 'mirror', 'import', stick, '--fingerprint', shown);
    expect(short.stderr).to.contain('cut off or changed');
    renameSync(join(stick, 'aside'), join(stick, last));
    const keys = join(world.repo, '.stargate', 'ssh_host_ed25519_key.pub');
    const imported = await git('kv', 'mirror', 'import', stick, '--keys', keys);
    expect(imported.code, imported.stderr).to.equal(0);
    expect(imported.stdout).to.match(/imported, \d+ refs moved: at link \d+/);
    for (const [key, value] of [
      ['cfg:color', 'blue'],
      ['cfg:size', 'large'],
    ] as const) {
      const got = await git('kv', 'get', key, '--offline');
      expect([got.code, got.stdout], got.stderr).to.deep.equal([0, value]);
    }
    const verified = await git('kv', 'verify', '--full');
    expect(verified.code, verified.stdout + verified.stderr).to.equal(0);
    await set('cfg:color', 'red');
    await written();
    expect((await git('kv', 'mirror', 'import', stick)).code, 'the policy names the key by now').to.equal(0);
    expect((await git('kv', 'get', 'cfg:color', '--offline')).stdout).to.equal('red');
    expect((await git('kv', 'mirror', 'import', stick)).stdout).to.contain('nothing new');
    // As a command of the Stargate's would have passed the links on, to a repository from which others clone.
    const bare = join(world.dir, 'far.git');
    await git('init', '-q', '--bare', bare);
    const frames = readdirSync(stick)
      .filter((name) => name.endsWith('.manifest'))
      .sort()
      .flatMap((name) => {
        const manifest = readFileSync(join(stick, name));
        const of = readdirSync(stick).find((each) => each.startsWith(`${name.slice(0, 12)}-`));
        const bundle = of === undefined ? Buffer.alloc(0) : readFileSync(join(stick, of));
        return [
          Buffer.from(`git-kv-mirror 1 ${Number(name.slice(0, 12))} ${manifest.length} ${bundle.length}\n`),
          manifest,
          bundle,
        ];
      });
    writeFileSync(join(world.dir, 'stream'), Buffer.concat(frames));
    const args = ['kv', 'mirror', 'import', join(world.dir, 'stream'), '--keys', keys];
    const served = await world.git(bare, 'ada', args);
    expect(served.code, served.stderr).to.equal(0);
    expect((await world.refs(bare)).get('refs/kv/main')).to.equal((await world.refs()).get('refs/kv/main'));
  });

  it('goes on over a new epoch, and from a backup, by the same chain', async () => {
    const far = join(world.dir, 'far');
    const git = (...args: string[]) => world.git(far, 'ada', args, { env: { GIT_SSH_COMMAND: 'false' } });
    const carried = async (key: string, value: string): Promise<void> => {
      const imported = await git('kv', 'mirror', 'import', join(world.dir, 'stick'));
      expect(imported.code, imported.stderr).to.equal(0);
      const got = await git('kv', 'get', key, '--offline');
      expect([got.code, got.stdout], got.stderr).to.deep.equal([0, value]);
    };
    const began = await world.kv('ada', ['epoch', 'new', '--label', 'next']);
    expect(began.code, began.stderr).to.equal(0);
    await set('cfg:epoch', 'next');
    await written();
    await carried('cfg:epoch', 'next');
    await carried('cfg:color', 'red');
    const history = await git('kv', 'history', 'cfg:color', '--epochs', '--offline', '--json');
    expect(history.stdout.match(/"op":"set"/g), history.stderr).to.have.length(2);
    expect((await git('kv', 'verify', '--full')).code).to.equal(0);

    const kept = join(world.dir, 'kept');
    const backup = await world.run('git-kv-stargate', ['backup', '--repo', world.repo, '--to', kept, '--with-host-key']);
    expect(backup.code, backup.stderr).to.equal(0);
    await world.stop();
    renameSync(world.repo, `${world.repo}.lost`);
    const stick = join(world.dir, 'stick');
    for (const name of readdirSync(stick)) rmSync(join(stick, name)); // carried away: the folder alone does not say how far the chain is
    const restored = await world.run('git-kv-stargate', ['restore', '--from', kept, '--repo', world.repo]);
    expect(restored.code, restored.stdout + restored.stderr).to.equal(0);
    await world.start({}, ':', ['--profile', join(world.dir, 'carried.yaml')]);
    await set('cfg:after', 'restored');
    await written();
    await carried('cfg:after', 'restored');
  });
});
