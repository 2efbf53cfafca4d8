import { expect } from 'chai';
import { World } from '../support/worlds/world.js';
import { attackedWorld, overSsh, runAttacks } from './attack.js';
import { narrowed, PUSH_ATTACKS } from './bad-pushes.js';
import { Forge } from './forge.js';
import { formatsOfSession } from '../support/needs/thorough.js';

for (const hash of formatsOfSession('sha1')) {
  describe(`pushes by plain git that must be refused (${hash})`, () => {
    let world: World;
    let forge: Forge;
    before(async () => {
      world = await World.create({ hash, writers: ['ada', 'bob'], strangers: ['mallory'], policy: narrowed });
      await world.clone('ada');
      for (const value of ['1', '2']) expect((await world.kv('ada', ['set', 'cfg:first', value])).code).to.equal(0);
      forge = await Forge.open(world, 'ada');
    });
    after(async () => {
      await forge?.close();
      await world?.close();
    });

    it('takes a transaction that has no fault, so that the rest means something', async () => {
      const ran = await forge.send(await forge.forge());
      expect(ran.code, ran.stderr).to.equal(0);
      expect((await world.kv('ada', ['get', 'cfg:forged', '--read-from=stargate'])).stdout).to.match(/^value /);
    });

    runAttacks(overSsh(PUSH_ATTACKS, hash), () => attackedWorld(forge));
  });
}
