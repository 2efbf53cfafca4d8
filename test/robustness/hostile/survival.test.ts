import { expect } from 'chai';
import type { World } from '../../support/worlds/world.js';
import { smallDaemon } from './daemon-under-attack.js';
import { ATTACKS, endure, MOST_MIB } from './survival.js';

describe('hostile: everything at once', function () {
  this.timeout(180_000);
  let world: World;
  before(async () => {
    world = await smallDaemon({ writers: ['ada', 'eve'], readers: ['rob', 'ron'] }, 'ulimit -n 1000');
    await world.clone('ada');
    expect((await world.kv('ada', ['set', 'honest', 'first'])).code).to.equal(0);
  });
  after(() => world?.close());

  // In an order that mixes those of different kinds.
  for (const group of [0, 1, 2, 3].map((first) => ATTACKS.filter((_, i) => i % 4 === first))) {
    it(`an honest writer is served beside ${group.map(({ name }) => name).join(', ')}`, async () => {
      const { pid } = world;
      const { failed, peak, writes } = await endure(world, group, 4000);
      expect(failed, world.daemonLog().slice(-2000)).to.deep.equal([]);
      expect(writes).to.have.length.at.least(2);
      expect(peak).to.be.below(MOST_MIB);
      expect(world.pid).to.equal(pid);
    });
  }

  it('nothing of it is left', async () => {
    const { code, stderr } = await world.kv('ada', ['verify', '--full']);
    expect(code, stderr).to.equal(0);
    const fsck = await world.git(world.repo, 'ada', ['fsck', '--strict', '--connectivity-only']);
    expect(fsck.code, fsck.stderr).to.equal(0);
    await world.until('no quarantine is left', async () => !(await world.objectFiles()).some((file) => /incoming-/.test(file)));
    expect(world.daemonLog()).to.not.contain('"event":"uncaught"');
  });
});
