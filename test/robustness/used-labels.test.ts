import { copyFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Oid } from '../../ports/vocabulary.js';
import { HOST_KEYS } from '../support/root.js';
import { World } from '../support/worlds/world.js';
import { attackedWorld, runAttacks } from './attack.js';
import { Forge } from './forge.js';
import { rollOver } from './forge-rollover.js';

describe('the label of an epoch that was compacted away', () => {
  let world: World;
  let forge: Forge;
  let first = '';
  const archives = new Map<string, Oid>();
  const TRACE = 'refs/kv-compacted/main@one';
  before(async () => {
    world = await World.create();
    await world.clone('ada');
    await kv('set', 'cfg:a', '1');
    for (const label of ['one', 'two', 'three']) {
      await kv('epoch', 'new', '--label', label);
      await kv('set', `cfg:${label}`, '1');
    }
    for (const [ref, oid] of await world.refs()) if (ref.startsWith('refs/kv-archive/')) archives.set(ref, oid);
    first = [...archives.keys()].map((ref) => ref.split('@')[1] as string).find((label) => /^\d{4}Q\d$/.test(label)) as string;
    for (const label of [first, 'one']) await kv('compact', '--epoch', label);
    forge = await Forge.open(world, 'ada');
  });
  after(async () => {
    await forge?.close();
    await world?.close();
  });
  const kv = async (...args: string[]): Promise<Record<string, unknown>> => {
    const ran = await world.kv('ada', [...args, '--json']);
    expect(ran.code, ran.stdout + ran.stderr).to.equal(0);
    return JSON.parse(ran.stdout) as Record<string, unknown>;
  };
  const refused = async (label: string): Promise<void> => {
    const before = await world.refs();
    const ran = await world.kv('ada', ['epoch', 'new', '--label', label]);
    expect([ran.code, ran.stderr], ran.stderr).to.deep.equal([
      2,
      `error: namespace main has or had an epoch ${label}\nhint: choose another label\n`,
    ]);
    expect(await world.refs()).to.deep.equal(before);
  };

  it('leaves one ref behind, at the mirror too, which says what the bundle holds', async () => {
    await world.mirrored();
    for (const repo of [world.repo, world.mirror]) {
      const refs = await world.refs(repo);
      expect([...refs.keys()].filter((ref) => ref.endsWith('@one'))).to.deep.equal([TRACE]);
      const shown = await world.git(repo, 'ada', ['log', '-1', '--format=%B%T', TRACE]);
      const [record = '', , tree = ''] = shown.stdout.split('\n');
      expect(JSON.parse(record)).to.include({
        v: 1,
        ns: 'main',
        epoch: 'one',
        archive: archives.get('refs/kv-archive/main@one'),
      });
      expect((await world.git(repo, 'ada', ['ls-tree', tree])).stdout).to.equal('');
    }
  });

  it('is refused before anything is made, like that of every other epoch', async () => {
    for (const label of [first, 'one', 'two', 'three']) await refused(label);
  });

  runAttacks(
    [
      {
        name: 'is refused by the Stargate, whatever a client says',
        code: 'CAS_CONFLICT',
        says: 'has or had an epoch one',
        run: (attacker) => rollOver(attacker, { label: 'one' }),
      },
      {
        name: 'cannot be traced or freed by a push',
        code: 'REF_FORBIDDEN',
        says: 'is written by the Stargate alone',
        run: (attacker) => attacker.push(['push', attacker.pushUrl, `:${TRACE}`]),
      },
    ],
    () => attackedWorld(forge),
  );

  it('is traced from its bundle when an earlier version has compacted it', async () => {
    const trace = (await world.refs()).get(TRACE);
    await world.stop();
    for (const repo of [world.repo, world.mirror]) await world.git(repo, 'ada', ['update-ref', '-d', TRACE]);
    await world.start();
    await refused('one');
    await world.mirrored();
    const [old, made] = [trace as Oid, (await world.refs()).get(TRACE) as Oid];
    const records = await Promise.all(
      [old, made].map(async (oid) => JSON.parse((await world.git(world.repo, 'ada', ['log', '-1', '--format=%B', oid])).stdout)),
    );
    const [before, after] = records as [Record<string, unknown>, Record<string, unknown>];
    expect({ ...after, compacted: '' }).to.deep.equal({ ...before, compacted: '' });
  });

  it('of a bundle that cannot be read is a warning in the log, and no other waits for it', async () => {
    const bundle = (label: string): string => join(world.repo, '.stargate', 'archives', `main@${label}.bundle`);
    await world.stop();
    await writeFile(bundle('broken'), 'no bundle');
    await copyFile(bundle('one'), bundle('misnamed'));
    for (const repo of [world.repo, world.mirror]) await world.git(repo, 'ada', ['update-ref', '-d', TRACE]);
    await world.start();
    await refused('one');
    const warned = world
      .daemonLog()
      .split('\n')
      .filter((line) => line.includes('"bundle.unreadable"'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(warned.map(({ level, bundle: path }) => [level, path])).to.have.deep.members([
      ['warn', bundle('broken')],
      ['warn', bundle('misnamed')],
    ]);
    expect(warned.find(({ bundle: path }) => path === bundle('misnamed'))?.['message']).to.equal(
      'it does not hold refs/kv-archive/main@misnamed',
    );
    for (const label of ['broken', 'misnamed']) await rm(bundle(label));
    await world.mirrored();
  });

  it('stays used when the bundle was moved away', async () => {
    const folder = join(world.repo, '.stargate', 'archives');
    for (const file of (await readdir(folder)).filter((name) => name.endsWith('.bundle')))
      await rename(join(folder, file), join(world.dir, file));
    await world.stop();
    await world.start();
    await refused('one');
    const again = await world.kv('ada', ['compact', '--epoch', 'one']);
    expect([again.code, again.stderr.includes('epoch one of namespace main was compacted already')], again.stderr).to.deep.equal([
      6,
      true,
    ]);
  });

  it('stays used at a Stargate that was made anew from the mirror', async () => {
    await world.mirrored();
    await world.stop();
    await rm(world.repo, { recursive: true });
    const init = await world.run('git-kv-stargate', [
      ...['init', '--repo', world.repo, '--mirror-remote', world.mirror, '--push-url', world.pushUrl],
      ...['--admin', world.key('ada', '.pub'), '--host-keys', HOST_KEYS],
    ]);
    expect(init.code, init.stderr).to.equal(0);
    await world.start();
    await refused('one');
    await kv('epoch', 'new', '--label', 'four');
  });
});
