import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { World } from '../support/worlds/world.js';

const FIXTURES = fileURLToPath(new URL('../../../test/fixtures/landed/', import.meta.url));

/** A world whose Stargate goes on with a repository of an earlier build; its own writer is listed beside the writer of then. */
async function landedWorld(hash: 'sha1' | 'sha256'): Promise<World> {
  const world = await World.create({ hash, writers: ['ada'] });
  await world.stop();
  const landed = join(world.dir, 'landed');
  await mkdir(landed);
  const unpacked = await world.run('tar', ['-xzf', join(FIXTURES, `landed-${hash}.tar.gz`), '-C', landed, '--no-same-owner']);
  if (unpacked.code !== 0) throw new Error(unpacked.stderr);
  // Its host key isn't part of the fixture: the new ones take its place, as an operator would restore it.
  for (const name of (await readdir(join(world.repo, '.stargate'))).filter((file) => file.startsWith('ssh_host_')))
    await rename(join(world.repo, '.stargate', name), join(landed, 'kv.git', '.stargate', name));
  await rm(world.repo, { recursive: true });
  await rename(join(landed, 'kv.git'), world.repo);
  await rm(world.mirror, { recursive: true });
  const again = ['init', '-q', '--bare', `--object-format=${hash}`, world.mirror];
  const moved = ['config', 'remote.github-origin.url', world.mirror];
  for (const ran of [await world.git(world.dir, 'ada', again), await world.git(world.repo, 'ada', moved)])
    if (ran.code !== 0) throw new Error(ran.stderr);
  const own = (await readFile(world.key('ada', '.pub'), 'utf8')).trim();
  await world.editPolicy((text) =>
    text.replace(/^( +- )"ssh-ed25519 .*"$/gm, `$&\n$1"${own}"`).replace(/push_url: .*/, `push_url: "${world.pushUrl}"`),
  );
  await world.start();
  return world;
}

for (const hash of ['sha1', 'sha256'] as const) {
  describe(`a repository of an earlier build (${hash})`, () => {
    let world: World;
    before(async () => {
      world = await landedWorld(hash);
      await world.clone('ada');
    });
    after(() => world?.close());

    const kv = async (name: string, ...args: string[]): Promise<string> => {
      const ran = await world.kv(name, args, { person: 'ada' });
      expect(ran.code, `${args.join(' ')}: ${ran.stdout}${ran.stderr}`).to.equal(0);
      return ran.stdout;
    };

    /** The newest commit of an epoch that wrote a key. */
    const lastIn = async (epoch: string, key: string): Promise<string> => {
      const { history } = JSON.parse(await kv('ada', 'history', key, '--epochs', '--json')) as {
        history: readonly { epoch: string; commit: string }[];
      };
      return history.find((entry) => entry.epoch === epoch)?.commit as string;
    };

    it('reaches an empty mirror whole', () => world.mirrored());

    it('is read: values, chunks, listings, the epoch before, history', async () => {
      expect(await kv('ada', 'get', 'cfg:color')).to.equal('green');
      expect(await kv('ada', 'get', 'cfg:ttl')).to.equal('soon');
      expect(await kv('ada', 'get', 'user:300')).to.equal('v300');
      expect(await kv('ada', 'get', 'odd/key with.dots~')).to.equal('odd');
      expect(await kv('ada', 'get', '--ns', 'team.a', 'a')).to.equal('1');
      const size = async (key: string): Promise<number> =>
        (await readFile(join(world.dir, key), 'latin1').catch(() => '')).length;
      for (const key of ['blob:big', 'blob:big2']) {
        await kv('ada', 'get', key, '--output', join(world.dir, key));
        expect(await size(key)).to.equal(20_000);
      }
      expect((await kv('ada', 'list', '--prefix', 'user:')).trim().split('\n'))
        .to.have.length(299)
        .and.not.include('user:7');
      expect(await kv('ada', 'get', 'cfg:color', '--at', await lastIn('2026Q4', 'cfg:color'))).to.equal('blue');
    });

    it('is found sound, to the last object', async () => {
      expect(await kv('ada', 'verify', '--full')).to.contain('no fault');
    });

    it('is written: a value, a deletion, chunks of before used again, a new epoch', async () => {
      await kv('ada', 'set', 'cfg:color', 'red');
      await kv('ada', 'del', 'user:8');
      expect(await kv('ada', 'set', 'blob:again', '--file', join(world.dir, 'blob:big'), '--max-inline', '4KiB')).to.match(
        /(\d+) of \1 chunks reused/,
      );
      await kv('ada', 'epoch', 'new', '--label', 'later');
      await kv('ada', 'set', 'cfg:color', 'violet');
      expect(await kv('ada', 'get', 'cfg:color', '--at', await lastIn('2027Q1', 'cfg:color'))).to.equal('red');
      expect(await kv('ada', 'verify', '--full')).to.contain('no fault');
    });

    it("is known to the writer's clone of then, which reads and writes on", async () => {
      await mkdir(join(world.dir, 'clones'), { recursive: true });
      const path = world.clonePath('then');
      await rename(join(world.dir, 'landed', 'clone'), path);
      const settings = {
        'remote.origin.url': world.mirror,
        'remote.origin.pushurl': world.pushUrl,
        'user.signingKey': world.key('ada'),
      };
      for (const [name, value] of Object.entries(settings)) await world.git(path, 'ada', ['config', name, value]);
      expect(await kv('then', 'get', '--offline', 'cfg:color')).to.equal('green');
      await kv('then', 'set', 'cfg:size', 'large');
      expect(await kv('then', 'get', 'cfg:color')).to.equal('violet');
      expect(await kv('ada', 'get', '--read-from=stargate', 'cfg:size')).to.equal('large');
    });
  });
}
