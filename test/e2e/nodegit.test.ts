import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { ROOT } from '../support/root.js';
import { needsNodegit } from '../support/needs/with-nodegit.js';
import { World } from '../support/worlds/world.js';

/** A built-in profile with another git-store. */
const onNodegit = (profile: string): string =>
  readFileSync(join(ROOT, 'apps', 'profiles', `${profile}.yaml`), 'utf8').replace('git-store: git-cli', 'git-store: nodegit');

/** A Stargate and clones that reach their repositories through libgit2, as a profile says: everything else is as ever. */
describe('profiles that name nodegit as git-store', () => {
  let world: World;
  let env: Record<string, string>;
  const kv = async (clone: string, ...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await world.kv(clone, args, { env });
    expect(code, stderr).to.equal(0);
    expect(stderr).not.to.match(/Warning/);
    return stdout;
  };
  before(async function () {
    needsNodegit(this);
    world = await World.create({ writers: ['ada', 'bob'], profile: onNodegit('embedded') });
    env = { GIT_KV_PROFILE: join(world.dir, 'client.yaml') };
    await writeFile(env['GIT_KV_PROFILE'] as string, onNodegit('client'));
    for (const person of ['ada', 'bob']) await world.clone(person);
  });
  after(() => world?.close());

  it('carry a write from one clone through the Stargate and the mirror to another', async () => {
    await kv('ada', 'set', 'cfg:color', 'blue');
    const file = join(world.dir, 'changes.jsonl');
    const lines = Array.from({ length: 40 }, (_, i) => JSON.stringify({ op: 'set', key: `user:${i}`, value: `value ${i}` }));
    await writeFile(file, `${lines.join('\n')}\n`);
    await kv('ada', 'mset', '--file', file);
    await world.mirrored();
    expect(await kv('bob', 'get', 'cfg:color')).to.equal('blue');
    expect((await kv('bob', 'list', '--prefix', 'user:')).trim().split('\n')).to.have.length(40);
    await kv('bob', 'set', 'cfg:color', 'green');
    expect(await kv('ada', 'get', 'cfg:color', '--read-from=stargate')).to.equal('green');
    expect(await kv('ada', 'history', 'cfg:color')).to.match(/bob[\s\S]*ada/);
    await kv('ada', 'verify', '--full');
    const fsck = await world.git(world.repo, 'ada', ['fsck', '--strict', '--full']);
    expect(fsck.code, fsck.stderr).to.equal(0);
  });

  it('refuse a clone of SHA-256 objects, which libgit2 does not read', async () => {
    await world.git(world.dir, 'ada', ['init', '-q', '--object-format=sha256', world.clonePath('other')]);
    const { code, stdout } = await world.kv('other', ['list', '--offline', '--json'], { person: 'ada', env });
    expect([code, JSON.parse(stdout).error.code]).to.deep.equal([78, 'NOT_SUPPORTED']);
  });

  it('take branches, which git checks, and survive the end of the daemon', async () => {
    const cwd = world.clonePath('ada');
    await world.git(cwd, 'ada', ['commit', '-q', '--allow-empty', '-m', 'one']);
    const pushed = await world.git(cwd, 'ada', ['push', '-q', 'origin', 'HEAD:refs/heads/topic']);
    expect(pushed.code, pushed.stderr).to.equal(0);
    await world.stop('SIGKILL');
    await world.start();
    await kv('bob', 'set', 'cfg:after', 'restart');
    await world.mirrored();
    expect(await kv('ada', 'get', 'cfg:after')).to.equal('restart');
  });
});
