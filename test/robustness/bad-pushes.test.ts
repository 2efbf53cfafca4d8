import { expect } from 'chai';
import { parseRejection } from '../../ports/rejection.js';
import { World } from '../support/world.js';
import { PUSH_ATTACKS } from './bad-pushes.js';
import { Forge } from './forge.js';

for (const hash of ['sha1', 'sha256'] as const) {
  describe(`pushes by plain git that must be refused (${hash})`, () => {
    let world: World;
    let forge: Forge;
    before(async () => {
      world = await World.create({
        hash,
        writers: ['ada', 'bob'],
        strangers: ['mallory'],
        policy: (text) =>
          text
            .replace('allowed_prefixes: []', 'allowed_prefixes: ["cfg:"]')
            .replace('max_value_inline: 1MiB', 'max_value_inline: 64KiB'),
      });
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

    for (const { name, code, run } of PUSH_ATTACKS) {
      it(`${name} → ${code}`, async () => {
        await forge.base();
        await world.mirrored(); // the watermark moves when the mirror has caught up: not the attack's doing
        const picture = async (): Promise<unknown> => ({ refs: [...(await world.refs())], files: await world.objectFiles() });
        let before = await picture();
        const mark = async (): Promise<void> => {
          await world.mirrored();
          before = await picture();
        };
        const ran = await run(forge, mark);
        expect(ran.code, ran.stderr).to.not.equal(0);
        const rejection = ran.stderr
          .split('\n')
          .map(parseRejection)
          .find((error) => error !== undefined);
        expect(rejection?.code, ran.stderr).to.equal(code);
        expect(await picture()).to.deep.equal(before);
      });
    }
  });
}
