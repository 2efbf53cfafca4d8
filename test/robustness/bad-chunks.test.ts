import { expect } from 'chai';
import { World } from '../support/worlds/world.js';
import { attackedWorld, overSsh, runAttacks } from './attack.js';
import { CHUNK_ATTACKS, honestChunks, LIVE, narrowed } from './bad-chunks.js';
import { Forge } from './forge.js';
import { formatsOfSession } from '../support/needs/thorough.js';

for (const hash of formatsOfSession('sha256')) {
  describe(`chunks by plain git that must be refused (${hash})`, () => {
    let world: World;
    let forge: Forge;
    before(async () => {
      world = await World.create({ hash, policy: narrowed });
      await world.clone('ada');
      expect((await world.kv('ada', ['set', 'cfg:first', '1'])).code).to.equal(0);
      forge = await Forge.open(world, 'ada');
    });
    after(async () => {
      await forge?.close();
      await world?.close();
    });

    it('takes chunks that have no fault, so that the rest means something', async () => {
      await honestChunks(forge);
      const read = await world.kv('ada', ['get', 'cfg:live', '--read-from=stargate', '--json']);
      expect(read.code, read.stderr).to.equal(0);
      expect(JSON.parse(read.stdout)).to.have.property('value_b64', Buffer.concat(LIVE).toString('base64'));
    });

    runAttacks(overSsh(CHUNK_ATTACKS, hash), () => attackedWorld(forge));
  });
}
