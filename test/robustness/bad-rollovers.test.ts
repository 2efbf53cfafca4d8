import { expect } from 'chai';
import { World } from '../support/worlds/world.js';
import { attackedWorld, overSsh, runAttacks } from './attack.js';
import { honestRollover, ROLLOVER_ATTACKS, twoThatRace, twoValues } from './bad-rollovers.js';
import { Forge } from './forge.js';
import { formatsOfSession } from '../support/needs/thorough.js';

for (const hash of formatsOfSession('sha1')) {
  describe(`new epochs by plain git that must be refused (${hash})`, () => {
    let world: World;
    let forge: Forge;
    before(async () => {
      world = await World.create({ hash, writers: ['ada', 'bob'], strangers: ['mallory'] });
      await world.clone('ada');
      forge = await Forge.open(world, 'ada');
      await succeeds(['set', 'cfg:first', '1']);
      await rename('first');
      await rename('second');
      await twoValues(forge);
      await succeeds(['list', '--read-from=stargate']);
      await succeeds(['del', 'cfg:dead']);
      await succeeds(['set', 'cfg:first', '2']);
    });
    after(async () => {
      await forge?.close();
      await world?.close();
    });
    const succeeds = async (args: string[]): Promise<void> => {
      const ran = await world.kv('ada', args);
      expect(ran.code, ran.stderr).to.equal(0);
    };
    const rename = (label: string): Promise<void> => succeeds(['epoch', 'new', '--label', label]);

    runAttacks(overSsh(ROLLOVER_ATTACKS, hash), () => attackedWorld(forge));

    it('takes one that has no fault, so that the rest means something', async () => {
      await honestRollover(forge);
      expect((await world.kv('ada', ['list', '--read-from=stargate'])).stdout).to.equal('cfg:first\ncfg:live\n');
    });

    it('of two that race, one wins and the other leaves nothing', async () => {
      // Forged in the second of the rollover before it, and of the same data, an index's first commit would be that one's very own.
      expect((await world.kv('ada', ['set', 'cfg:between', '1'])).code).to.equal(0);
      await world.mirrored();
      await twoThatRace(forge, () => world.refs());
      await world.stop(); // housekeeping may roll up packs at this moment, and fsck would miss those that it had listed
      const fsck = await world.git(world.repo, 'ada', ['fsck', '--strict', '--no-dangling']);
      expect(fsck.code, fsck.stderr).to.equal(0);
      await world.start();
    });

    it('of two git kv epoch new that race, one wins and the other says that the namespace moved', async () => {
      await world.clone('ada', 'ada-2');
      const rans = await Promise.all([
        world.kv('ada', ['epoch', 'new', '--label', 'one']),
        world.kv('ada-2', ['epoch', 'new', '--label', 'two'], { person: 'ada' }),
      ]);
      const lost = rans.filter(({ code }) => code !== 0);
      // The slower may come late enough to build on the faster; then both have won, one after the other.
      for (const { code, stderr } of lost) expect(code, stderr).to.equal(2);
      expect(lost.length).to.be.lessThan(2);
    });
  });
}
