import { expect } from 'chai';
import { renderPolicy } from '../../apps/stargate/repository/policy-template.js';
import { parseRejection } from '../../ports/rejection.js';
import { sshKey } from '../contracts/signature-verifier.js';
import { MemoryForge } from '../support/memory-forge.js';
import { MemoryGateway } from '../support/memory-gateway.js';
import { PUSH_ATTACKS } from './bad-pushes.js';

for (const format of ['sha1', 'sha256'] as const) {
  describe(`pushes that a gateway in this process must refuse (${format})`, () => {
    const keys = new Map(['ada', 'bob', 'mallory'].map((person) => [person, sshKey()]));
    const lines = (...people: string[]): string[] => people.map((person) => `${keys.get(person)?.line} ${person}`);
    let gateway: MemoryGateway;
    let forge: MemoryForge;

    before(async () => {
      const policy = renderPolicy({
        ...{ pushUrl: null, admins: lines('ada'), writers: lines('ada', 'bob'), readers: [], namespaces: ['main'] },
      })
        .replace('allowed_prefixes: []', 'allowed_prefixes: ["cfg:"]')
        .replace('max_value_inline: 1MiB', 'max_value_inline: 64KiB');
      gateway = await MemoryGateway.start({ format, policy });
      forge = new MemoryForge(gateway, 'ada', keys);
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
      const there = await gateway.mirror.refs(['refs/kv/*', 'refs/kv-index/*']);
      expect([...there]).to.deep.equal([
        ['refs/kv-index/main', made.index],
        ['refs/kv/main', made.ledger],
      ]);
      const kinds = (await gateway.journal()).map(({ kind }) => kind);
      for (const kind of ['intent', 'done', 'mirrored']) expect(kinds).to.include(kind);
    });

    for (const { name, code, run } of PUSH_ATTACKS) {
      it(`${name} → ${code}`, async () => {
        await gateway.mirrored();
        const picture = async (): Promise<unknown> => ({ refs: [...(await gateway.refs())], journal: await gateway.journal() });
        let before = await picture();
        const ran = await run(forge, async () => {
          await gateway.mirrored();
          before = await picture();
        });
        expect(ran.code, ran.stderr).to.not.equal(0);
        expect(parseRejection(ran.stderr.trim())?.code, ran.stderr).to.equal(code);
        expect(await picture()).to.deep.equal(before);
      });
    }
  });
}
