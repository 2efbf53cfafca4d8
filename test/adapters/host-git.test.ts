import { expect } from 'chai';
import { access, appendFile, chmod, mkdir, readdir, readFile, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openGitStore } from '../../adapters/git-cli/store.js';
import { open as openHost } from '../../adapters/host-git/open.js';
import { open as openBundles } from '../../adapters/host-git/open-bundles.js';
import { open as openExchange } from '../../adapters/host-git/open-exchange.js';
import { open as openService } from '../../adapters/host-git/open-service.js';
import { open as openUpkeep } from '../../adapters/host-git/open-upkeep.js';
import type { AdapterContext, Oid } from '../../ports/index.js';
import { bundleArchiveContract } from '../contracts/bundle-archive.js';
import { gitServiceContract } from '../contracts/git-service.js';
import { blob } from '../contracts/git-objects.js';
import { rejects } from '../contracts/git-store-parts/bench.js';
import { type HostBench, plain, point } from '../contracts/host-parts/bench.js';
import { objectExchangeContract } from '../contracts/object-exchange.js';
import { repositoryHostContract } from '../contracts/repository-host.js';
import { repositoryUpkeepContract } from '../contracts/repository-upkeep.js';
import { Sandbox } from '../support/worlds/sandbox.js';

const EARLIER = '#!/bin/sh\n# Written by git-kv-stargate init. Asks the daemon.\nexit 1\n';

const contextOf = (directory: string, env: AdapterContext['env']): AdapterContext => ({
  directory,
  env,
  get: () => Promise.reject(new Error('host-git asks for no other port')),
  open: () => Promise.reject(new Error('host-git opens no other adapter')),
});

async function bench(sandbox = new Sandbox(), name = 'shop.git'): Promise<HostBench & { readonly directory: string }> {
  const directory = sandbox.path(name);
  const context = contextOf(directory, sandbox.env);
  return {
    directory,
    host: await openHost(undefined, context),
    upkeep: await openUpkeep(undefined, context),
    bundles: await openBundles(undefined, context),
    services: await openService(undefined, context),
    openStore: () => openGitStore({ directory, env: sandbox.env }),
    async mirror(format) {
      const url = sandbox.bare('mirror.git', format);
      return { url, store: await openGitStore({ directory: url, env: sandbox.env }) };
    },
    beside: async () => openHost(undefined, contextOf(sandbox.path('beside.git'), sandbox.env)),
    file: (file) => sandbox.path(file),
    async leaveLock(ref) {
      await writeFile(join(directory, `${ref}.lock`), '');
      return `${ref}.lock`;
    },
    async leaveQuarantine() {
      const path = join(directory, 'objects', 'tmp_objdir-incoming-Ab12cd');
      const keep = join(path, 'pack', 'pack-1.keep');
      await mkdir(join(path, 'pack'), { recursive: true });
      await writeFile(keep, '');
      return {
        path,
        held: () =>
          access(keep).then(
            () => true,
            () => false, // it isn't there
          ),
      };
    },
    async committedFile() {
      const folder = sandbox.path('policies');
      const path = join(folder, 'policy.yaml');
      sandbox.run('git', ['init', '-q', folder]);
      await writeFile(path, 'version: 1\n');
      sandbox.git(folder, 'add', 'policy.yaml');
      sandbox.git(folder, 'commit', '-q', '-m', 'a policy');
      const oid = sandbox.git(folder, 'rev-parse', 'HEAD');
      sandbox.git(folder, 'commit', '-q', '--allow-empty', '-m', 'of something else');
      const author = sandbox.git(folder, 'log', '-1', '--format=%an <%ae>');
      return { path, author, oid, change: () => appendFile(path, '# not committed\n') };
    },
    async spoilHook(how) {
      const hook = join(directory, 'hooks', 'pre-receive');
      if (how === 'passed-over') await chmod(hook, 0o644);
      else await writeFile(hook, how === 'earlier' ? EARLIER : '#!/bin/sh\n# ours\nexit 0\n');
    },
    async spoilSettings() {
      sandbox.git(directory, 'config', '--add', 'receive.procReceiveRefs', 'refs/tags');
    },
    async cutBundle(place) {
      await truncate(place, 5);
    },
    async age(oid) {
      const long = new Date(Date.now() - 24 * 3_600_000);
      await utimes(join(directory, 'objects', oid.slice(0, 2), oid.slice(2)), long, long);
    },
    dispose: async () => sandbox.remove(),
  };
}

repositoryHostContract('host-git', () => bench());
repositoryUpkeepContract('host-git', () => bench());
bundleArchiveContract('host-git', () => bench());
gitServiceContract('host-git', () => bench());

describe('host-git', () => {
  let sandbox: Sandbox;
  beforeEach(() => (sandbox = new Sandbox()));
  afterEach(() => sandbox.remove());

  it('removes the locks of indexes of objects, which a killed upkeep would be kept from for ever', async () => {
    const { directory, host } = await bench(sandbox);
    await host.create(plain());
    const locks = ['objects/pack/multi-pack-index.lock', 'objects/info/commit-graph.lock'];
    for (const lock of locks) await writeFile(join(directory, lock), '');
    expect(await host.unlock()).to.deep.equal(locks);
    sandbox.git(directory, 'commit-graph', 'write', '--reachable');
  });

  it('is led to no other repository by the environment, nor given settings by it', async () => {
    const other = sandbox.bare('other.git');
    const misleading = {
      ...{ GIT_DIR: other, GIT_OBJECT_DIRECTORY: join(other, 'objects'), GIT_NAMESPACE: 'x' },
      ...{ GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'receive.procReceiveRefs', GIT_CONFIG_VALUE_0: 'refs/none' },
    };
    const directory = sandbox.path('shop.git');
    const context = contextOf(directory, { ...sandbox.env, ...misleading });
    const host = await openHost(undefined, context);
    await host.create(plain());
    await host.check();
    const before = await readFile(join(other, 'config'), 'utf8');
    await host.setHead('refs/heads/trunk');
    expect(await readFile(join(directory, 'HEAD'), 'utf8')).to.equal('ref: refs/heads/trunk\n');
    expect(await readFile(join(other, 'config'), 'utf8')).to.equal(before);
    const seen = sandbox.path('seen');
    await writeFile(join(directory, 'hooks', 'pre-receive'), `#!/bin/sh\nenv >'${seen}'\nexit 1\n`);
    const { input, ended } = (await openService(undefined, context)).receive(
      { gitProtocol: 'version=1', maxBytes: 1000, bounds: { memory: 512 * 1024 ** 2, time: 600_000 } },
      { output: () => undefined, errors: () => undefined },
    );
    const store = await openGitStore({ directory, env: sandbox.env });
    const tip = await point(store, 'refs/heads/main', 'x');
    await store.close();
    const command = `${tip} ${'0'.repeat(40)} refs/heads/main\0report-status`;
    await input.write(Buffer.from(`${(command.length + 4).toString(16).padStart(4, '0')}${command}0000`));
    await ended;
    const names = (await readFile(seen, 'utf8')).split('\n').map((line) => line.split('=')[0] ?? '');
    const foreign = names.filter((name) => !/^(PATH|HOME|LC_ALL|PWD|OLDPWD|SHLVL|_|)$/.test(name));
    expect(foreign.filter((name) => !name.startsWith('GIT_'))).to.deep.equal([]);
    expect(foreign).to.include.members(['GIT_CONFIG_NOSYSTEM', 'GIT_CONFIG_GLOBAL', 'GIT_KV_STARGATE', 'GIT_PROTOCOL']);
    for (const name of Object.keys(misleading)) if (name !== 'GIT_DIR') expect(foreign).to.not.include(name);
    expect(await readFile(seen, 'utf8')).to.contain('GIT_DIR=.\n');
  });

  it('knows a quarantine of a repository that is reached through a symbolic link', async () => {
    const real = await bench(sandbox);
    await real.host.create(plain());
    const { path } = await real.leaveQuarantine();
    await symlink(real.directory, sandbox.path('link.git'));
    const linked = await bench(sandbox, 'link.git');
    await linked.host.prepareQuarantine(path);
    await rejects(linked.host.prepareQuarantine(join(sandbox.folder, 'objects', 'incoming-abcdef')), 'GIT_ERROR');
  });

  it('sweeps the drafts of bundles that a crash has left', async () => {
    const { host, bundles, directory, openStore } = await bench(sandbox);
    await host.create(plain());
    const store = await openStore();
    const refs = new Map([['refs/heads/a', await point(store, 'refs/heads/a', 'one')]]);
    await store.close();
    await bundles.write('x', 'sha1', refs);
    const draft = join(directory, '.stargate', 'archives', '.draft-abc');
    await writeFile(draft, '');
    await bundles.write('x', 'sha1', refs);
    expect(await access(draft).catch((error: NodeJS.ErrnoException) => error.code)).to.equal('ENOENT');
  });

  it('rewrites a commit-graph before what it knows is gone', async () => {
    const { host, upkeep, directory, openStore, age } = await bench(sandbox);
    await host.create(plain());
    const store = await openStore();
    await point(store, 'refs/heads/a', 'kept');
    const gone = await point(store, 'refs/heads/b', 'gone');
    sandbox.git(directory, 'commit-graph', 'write', '--reachable');
    await age(gone);
    await store.updateRefs([{ ref: 'refs/heads/b', old: gone, next: null }], 'test');
    await store.close();
    await upkeep.dropUnreachable();
    sandbox.git(directory, 'commit-graph', 'verify');
    sandbox.git(directory, 'fsck', '--strict');
  });

  it('indexes many packs as one, once they are many', async () => {
    const { host, upkeep, directory, openStore } = await bench(sandbox);
    await host.create(plain());
    const store = await openStore();
    const folder = join(directory, 'objects', 'pack');
    const some = (name: number) => Array.from({ length: 8 }, (_, i) => blob('sha1', `${name} ${i}`));
    const isIndexed = async (): Promise<boolean> => (await readdir(folder)).includes('multi-pack-index');
    for (let at = 0; at < 7; at++) await store.write(some(at));
    await upkeep.indexPacks?.();
    expect(await isIndexed()).to.equal(false);
    const quarantine = await store.openQuarantine(null); // by which its own store doesn't count it
    await quarantine.write(some(7));
    await quarantine.accept();
    await upkeep.indexPacks?.();
    expect(await isIndexed()).to.equal(true);
    sandbox.git(directory, 'multi-pack-index', 'verify');
    await upkeep.repack();
    sandbox.git(directory, 'fsck', '--full');
    await store.close();
  });

  it('says in git’s words why a repack failed', async () => {
    const { host, upkeep, directory } = await bench(sandbox);
    await host.create(plain());
    await appendFile(join(directory, 'config'), '[broken\n');
    const error = await rejects(upkeep.repack(), 'GIT_ERROR');
    expect(error.message).to.contain('bad config');
    await rm(directory, { recursive: true });
    await rejects(host.check(), 'CONFIG_INVALID');
  });
});

describe('packs that another server has sent', () => {
  it('are left by no repack beside, and kept from none afterwards', async () => {
    const [one, two] = [await bench(), await bench()];
    const sides = await Promise.all(
      [one, two].map(async ({ directory, host, openStore }) => {
        await host.create(plain());
        return { store: await openStore(), exchange: await openExchange(undefined, contextOf(directory, new Sandbox().env)) };
      }),
    );
    const [sender, taker] = sides as [(typeof sides)[0], (typeof sides)[0]];
    const tips: Oid[] = [];
    for (let at = 0; at < 8; at++) tips.push(await point(sender.store, `refs/heads/b${at}`, `content ${at}`));
    const repacks: Promise<void>[] = [];
    for (const tip of tips) {
      await taker.exchange.receive(sender.exchange.send([tip], []));
      repacks.push(two.upkeep.repack());
    }
    await Promise.all(repacks);
    expect((await taker.store.headers(tips)).map((header) => header?.oid)).to.deep.equal(tips);
    const packs = await readdir(join(two.directory, 'objects', 'pack'));
    expect(packs.filter((name) => name.endsWith('.keep'))).to.deep.equal([]);
    await Promise.all(sides.map(({ store }) => store.close()));
    await Promise.all([one.dispose(), two.dispose()]);
  });
});

objectExchangeContract('host-git', async () => {
  const [one, two] = [await bench(), await bench()];
  const side = async ({ directory, host, openStore }: Awaited<ReturnType<typeof bench>>) => {
    await host.create(plain());
    return { store: await openStore(), exchange: await openExchange(undefined, contextOf(directory, new Sandbox().env)) };
  };
  return {
    one: await side(one),
    two: await side(two),
    async dispose() {
      await one.dispose();
      await two.dispose();
    },
  };
});
