import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { World } from '../../support/worlds/world.js';

describe('a watch from a mirror that is epochs behind', () => {
  let world: World;
  before(async () => {
    world = await World.create();
    for (const name of ['ada', 'late']) await world.clone('ada', name);
    await kv('ada', 'set', 'k', '0');
    await world.mirrored();
  });
  after(async () => {
    await rm(join(world.dir, 'hold'), { force: true }); // a push that hangs would outlive the test
    await world.close();
  });
  const kv = async (clone: string, ...args: string[]): Promise<{ stdout: string; stderr: string }> => {
    const ran = await world.kv(clone, args, { person: 'ada' });
    expect(ran.code, ran.stdout + ran.stderr).to.equal(0);
    return ran;
  };

  it('waits for it, in a clone that knows the newest epoch alone, and --once says that it is not shown yet', async () => {
    const hold = join(world.dir, 'hold');
    await mkdir(join(world.mirror, 'hooks'), { recursive: true });
    await writeFile(hold, '');
    const wait = `#!/bin/sh\ncat >/dev/null\nwhile [ -e '${hold}' ]; do sleep 0.02; done\n`;
    await writeFile(join(world.mirror, 'hooks', 'pre-receive'), wait, { mode: 0o755 });
    for (const label of ['one', 'two', 'three']) {
      await kv('ada', 'set', 'k', label);
      await kv('ada', 'epoch', 'new', '--label', label);
    }
    const { commit } = JSON.parse((await kv('ada', 'set', 'k', 'last', '--json')).stdout) as { commit: string };
    await kv('late', 'list', '--read-from=stargate');
    const once = await kv('late', 'watch', '--since', commit, '--once', '--json');
    expect(once.stdout).to.equal('');
    expect(once.stderr)
      .to.contain(`the mirror does not show ${commit} yet; --read-from=stargate does not wait for the mirror`)
      .and.to.contain(`resume with --since ${commit}`);
    const watching = kv('late', 'watch', '--since', commit, '--limit', '1', '--json');
    await kv('ada', 'set', 'k', 'after');
    await rm(hold);
    const { stdout, stderr } = await watching;
    expect(JSON.parse(stdout)).to.deep.include({ epoch: 'three', keys: { set: ['k'], del: [] }, set: 1 });
    expect(stderr).to.contain(`the mirror does not show ${commit} yet, waiting for it; `);
    const stargate = await kv('late', 'watch', '--since', commit, '--once', '--json', '--read-from=stargate');
    expect(stargate.stdout).to.equal(stdout);
  });
});
