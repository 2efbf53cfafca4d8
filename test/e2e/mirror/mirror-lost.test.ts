import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { expect } from 'chai';
import { World } from '../../support/worlds/world.js';

describe('refs that the mirror has lost', () => {
  let world: World;
  before(async () => {
    world = await World.create({ namespaces: ['main', 'shop', 'news'] });
    await world.clone('ada');
    for (const ns of ['main', 'shop', 'news']) await kv('set', '--ns', ns, 'first', ns);
    await kv('epoch', 'new', '--ns', 'shop', '--label', 'next');
    await kv('set', '--ns', 'shop', 'second', '2');
    const clone = world.clonePath('ada');
    await git(clone, 'commit', '-q', '--allow-empty', '-m', 'one');
    await git(clone, 'tag', 'v1');
    await git(clone, 'push', '-q', 'origin', 'HEAD:refs/heads/main', 'v1');
    await world.mirrored();
  });
  after(() => world?.close());

  const git = async (cwd: string, ...args: string[]): Promise<string> => {
    const ran = await world.git(cwd, 'ada', args);
    expect(ran.code, ran.stderr).to.equal(0);
    return ran.stdout;
  };
  const kv = async (...args: string[]): Promise<Record<string, unknown>> => {
    const ran = await world.kv('ada', [...args, '--json']);
    expect(ran.code, ran.stdout + ran.stderr).to.equal(0);
    return JSON.parse(ran.stdout) as Record<string, unknown>;
  };
  const sorted = (refs: ReadonlyMap<string, string>): string[] => [...refs].map((one) => one.join(' ')).sort();
  const newMirror = async (): Promise<void> => {
    await rm(world.mirror, { recursive: true });
    await git(world.dir, 'init', '-q', '--bare', '--initial-branch=main', world.mirror);
  };

  it('are all there again after a restart, when its repository was made anew', async () => {
    const here = sorted(await world.refs());
    for (const folder of ['kv', 'kv-index', 'kv-epoch', 'kv-archive', 'kv-watchlog', 'kv-mirror', 'kv-policy', 'heads', 'tags'])
      expect(
        here.some((line) => line.startsWith(`refs/${folder}/`)),
        folder,
      ).to.equal(true);
    await world.stop();
    await newMirror();
    await world.start();
    await world.mirrored();
    expect(sorted(await world.refs(world.mirror))).to.deep.equal(here);
    await world.clone('ada', 'fresh');
    for (const ns of ['main', 'shop', 'news']) {
      const got = await world.kv('fresh', ['get', '--ns', ns, 'first'], { person: 'ada' });
      expect([got.code, got.stdout.trim()], got.stderr).to.deep.equal([0, ns]);
    }
    await world.until('nothing is missing, waits or is refused', async () => {
      const { status } = (await kv('stargate', 'status')) as { status: { mirror: Record<string, unknown> } };
      const { missing, backlog, refused } = status.mirror;
      return isDeepStrictEqual([missing, backlog, refused], [0, 0, {}]);
    });
  });

  it('are there again when somebody has deleted one of a namespace', async () => {
    await writeFile(join(world.dir, 'large'), 'x'.repeat(3 << 20));
    await kv('set', '--ns', 'news', 'large', '--file', join(world.dir, 'large'));
    await world.mirrored();
    const chunks = [...(await world.refs()).keys()].find((ref) => ref.startsWith('refs/kv-chunks/news@')) as string;
    await world.stop();
    for (const ref of ['refs/kv-epoch/shop', chunks]) await git(world.mirror, 'update-ref', '-d', ref);
    await world.start();
    await world.mirrored();
    await world.logged(/mirror\.restored.*\b2\b/); // once the whole comparison has ended
  });

  it('do not keep a new epoch from the mirror', async () => {
    await newMirror();
    await kv('epoch', 'new', '--ns', 'shop', '--label', 'later');
    const { commit } = await kv('set', '--ns', 'shop', 'third', '3');
    const waited = await world.kv('ada', [
      'wait',
      '--ns',
      'shop',
      '--oid',
      commit as string,
      '--visible-on=mirror',
      '--timeout',
      '8s',
    ]);
    expect(waited.code, waited.stderr + world.daemonLog()).to.equal(0);
  });
});
