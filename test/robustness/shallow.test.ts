import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { World } from '../support/worlds/world.js';

describe('a push of a history that is cut off', () => {
  let world: World;
  let clone: string;
  before(async () => {
    world = await World.create({ writers: ['ada'] });
    clone = await world.clone('ada');
    for (const value of ['1', '2', '3']) await world.kv('ada', ['set', 'a', value]);
    await world.mirrored(); // the watermark moves until then
  });
  after(() => world?.close());

  for (const allowed of ['false', 'true']) {
    it(`is refused, and leaves nothing, with receive.shallowUpdate=${allowed} in the repository`, async () => {
      await world.git(world.repo, 'ada', ['config', 'receive.shallowUpdate', allowed]);
      const cut = join(world.dir, 'cut');
      const { stdout } = await world.git(clone, 'ada', ['commit-tree', '-m', 'new', '-p', 'refs/kv/main', 'refs/kv/main^{tree}']);
      await writeFile(cut, stdout);
      const before = [await world.refs(), (await readdir(world.repo)).sort()];
      const pushed = await world.git(clone, 'ada', ['push', 'origin', `${stdout.trim()}:refs/heads/feature`], {
        env: { GIT_SHALLOW_FILE: cut },
      });
      expect(pushed.code, pushed.stderr).to.not.equal(0);
      expect(pushed.stderr).to.contain('shallow update not allowed');
      expect([await world.refs(), (await readdir(world.repo)).sort()]).to.deep.equal(before);
    });
  }
});
