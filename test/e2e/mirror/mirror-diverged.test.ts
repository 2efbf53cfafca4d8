import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { World } from '../../support/worlds/world.js';

interface Mirror {
  readonly backlog: number;
  readonly last_error: string | null;
  readonly refused: Readonly<Record<string, string>>;
  readonly watermark: Readonly<Record<string, string>>;
}

describe('a namespace that somebody has rewritten at the mirror', () => {
  let world: World;
  let sound = '';
  let forged = '';
  before(async () => {
    world = await World.create({ namespaces: ['main', 'shop', 'news'] });
    await world.clone('ada');
    for (const ns of ['main', 'shop', 'news']) await kv('set', '--ns', ns, 'first', '1');
    await world.mirrored();
    sound = (await world.refs(world.mirror)).get('refs/kv/main') as string;
    const made = await world.git(world.mirror, 'ada', [
      ...['-c', 'user.name=eve', '-c', 'user.email=e@x', 'commit-tree', '-m', 'forged', `${sound}^{tree}`],
    ]);
    forged = made.stdout.trim();
  });
  after(() => world?.close());

  const kv = async (...args: string[]): Promise<Record<string, unknown>> => {
    const ran = await world.kv('ada', [...args, '--json']);
    expect(ran.code, ran.stdout + ran.stderr).to.equal(0);
    return JSON.parse(ran.stdout) as Record<string, unknown>;
  };
  const mirror = async (): Promise<Mirror> => ((await kv('stargate', 'status'))['status'] as { mirror: Mirror }).mirror;
  /** Every ref of a namespace is at the mirror as it is at the Stargate. */
  const shown = async (ns: string): Promise<boolean> => {
    const [here, there] = [await world.refs(), await world.refs(world.mirror)];
    return [...here].every(([ref, oid]) => !new RegExp(`/${ns}(@|$)`).test(ref) || there.get(ref) === oid);
  };
  /** Makes pushes to the mirror hang until the function that it gives is called. */
  const holdPushes = async (): Promise<() => Promise<void>> => {
    const hold = join(world.dir, 'hold');
    const hook = join(world.mirror, 'hooks', 'pre-receive');
    await mkdir(join(world.mirror, 'hooks'), { recursive: true });
    await writeFile(hold, '');
    await writeFile(hook, `#!/bin/sh\ncat >/dev/null\nwhile [ -e '${hold}' ]; do sleep 0.02; done\n`, { mode: 0o755 });
    return () => rm(hold);
  };
  const rewrite = async (): Promise<void> => {
    await world.git(world.mirror, 'ada', ['update-ref', 'refs/kv/main', forged]);
  };

  it('is named by status, stays as it is, and holds up no other', async () => {
    await rewrite();
    await kv('set', '--ns', 'main', 'second', '2');
    await world.until('the refusal', async () => 'main' in (await mirror()).refused);
    for (const ns of ['shop', 'news']) {
      const { commit } = await kv('set', '--ns', ns, 'second', '2');
      const waited = await world.kv('ada', [
        'wait',
        '--ns',
        ns,
        '--oid',
        commit as string,
        '--visible-on=mirror',
        '--timeout',
        '5s',
      ]);
      expect(waited.code, waited.stderr + world.daemonLog()).to.equal(0);
      await world.until(`the watermark of ${ns}`, async () => (await mirror()).watermark[ns] === commit);
    }
    await world.until('a queue of main alone', async () => (await mirror()).backlog === 1);
    const { refused, last_error: error, watermark } = await mirror();
    expect(Object.keys(refused)).to.deep.equal(['main']);
    expect(refused['main']).to.match(/^SYNC_REFUSED: .*refs\/kv\/main/);
    expect(error).to.match(/SYNC_REFUSED: .*refs\/kv\/main/);
    expect(watermark['main']).to.equal(sound);
    expect((await world.refs(world.mirror)).get('refs/kv/main')).to.equal(forged);
    expect((await world.kv('ada', ['stargate', 'status'])).stdout).to.match(/refused:\n +main: +SYNC_REFUSED/);
  });

  it('refused in one push with others for the first time, it leaves these to land', async () => {
    await world.stop();
    await world.start(); // it knows of no refusal
    const release = await holdPushes();
    await kv('set', '--ns', 'shop', 'third', '3'); // its push hangs, and what comes now goes in the next one
    for (const ns of ['main', 'shop', 'news']) await kv('set', '--ns', ns, 'fourth', '4');
    await release();
    // Sooner than what was refused is tried again.
    await world.until('shop and news', async () => (await shown('shop')) && (await shown('news')), 9000);
    expect(await shown('main')).to.equal(false);
  });

  it('a new epoch of another that lands while the Stargate is killed is gone on from', async () => {
    const release = await holdPushes();
    const began = (await kv('epoch', 'new', '--ns', 'shop', '--label', 'next'))['commit'];
    await kv('set', '--ns', 'shop', 'fifth', '5');
    await world.stop('SIGKILL');
    await release();
    await world.until('the push that was at hand', async () => (await world.refs(world.mirror)).get('refs/kv/shop') === began);
    await world.start();
    await kv('set', '--ns', 'news', 'fifth', '5');
    await world.until('shop and news', async () => (await shown('shop')) && (await shown('news')), 9000);
    await world.until('the refusal', async () => 'main' in (await mirror()).refused);
    expect(Object.keys((await mirror()).refused)).to.deep.equal(['main']);
  });

  it('goes on by itself once the mirror was put right', async () => {
    await world.git(world.mirror, 'ada', ['update-ref', 'refs/kv/main', sound]);
    await world.until('main', async () => shown('main'));
    await world.mirrored();
    await world.until('an empty queue', async () => (await mirror()).backlog === 0);
    expect((await mirror()).refused).to.deep.equal({});
    expect((await mirror()).last_error).to.equal(null);
  });
});
