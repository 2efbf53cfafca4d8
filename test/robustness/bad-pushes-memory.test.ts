import { expect } from 'chai';
import { MemoryForge } from '../support/memory/forge.js';
import { MemoryGateway } from '../support/memory/gateway.js';
import { attackedMemory, runAttacks } from './attack.js';
import { narrowed, PUSH_ATTACKS } from './bad-pushes.js';
import { TREE_ATTACKS } from './bad-trees.js';

for (const format of ['sha1', 'sha256'] as const) {
  describe(`pushes that a gateway in this process must refuse (${format})`, () => {
    let gateway: MemoryGateway;
    let forge: MemoryForge;
    before(async () => {
      gateway = await MemoryGateway.start({ format, writers: ['ada', 'bob'], policy: narrowed });
      forge = new MemoryForge(gateway, 'ada');
      for (const value of ['1', '2']) {
        const ran = await forge.send(await forge.forge({ operations: [forge.set('cfg:first', value)] }), {
          first: value === '1',
        });
        expect(ran.code, ran.stderr).to.equal(0);
      }
    });
    after(async () => {
      await forge.close();
      await gateway.close();
    });

    it('takes a transaction that has no fault, writes it down, and shows it at the mirror', async () => {
      const made = await forge.forge();
      const ran = await forge.send(made);
      expect(ran.code, ran.stderr).to.equal(0);
      expect((await gateway.refs()).get('refs/kv/main')).to.equal(made.ledger);
      await gateway.mirrored();
      expect(gateway.mirror.refs.get('refs/kv/main')).to.equal(made.ledger);
      expect(gateway.mirror.refs.get('refs/kv-index/main')).to.equal(made.index);
      const kinds = (await gateway.journal()).map(({ kind }) => kind);
      for (const kind of ['intent', 'done', 'mirrored']) expect(kinds).to.include(kind);
    });

    runAttacks([...PUSH_ATTACKS, ...TREE_ATTACKS], () => attackedMemory(forge));
  });
}
