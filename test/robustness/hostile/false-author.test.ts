import { expect } from 'chai';
import { newEpoch } from '../../../domain/client/epochs/new-epoch.js';
import { type Blame, blame } from '../../../domain/client/history/blame.js';
import { type HistoryEntry, keyHistory } from '../../../domain/client/history/history.js';
import type { SignatureVerifier } from '../../../ports/clone/signer.js';
import { all } from '../../support/all.js';
import { type MemoryClient, openMemoryClient } from '../../support/memory/client.js';
import { MemoryForge } from '../../support/memory/forge.js';
import { MemoryGateway } from '../../support/memory/gateway.js';
import { MemoryPeople } from '../../support/memory/people.js';

const FRESH = { ns: 'main', readFrom: 'mirror', offline: false } as const;

for (const format of ['sha1', 'sha256'] as const) {
  describe(`a writer who says that it was another (${format})`, () => {
    const people = new MemoryPeople();
    let gateway: MemoryGateway;
    let forge: MemoryForge;
    let ada: MemoryClient;
    /** How many signatures were verified. */
    let verified: number;
    let verifier: SignatureVerifier;
    beforeEach(async () => {
      gateway = await MemoryGateway.start({ format, people, writers: ['ada', 'bob'] });
      forge = new MemoryForge(gateway, 'bob');
      ada = await openMemoryClient(gateway, 'ada');
      verified = 0;
      verifier = {
        verify(...args) {
          verified++;
          return ada.verifier.verify(...args);
        },
      };
      const lie = { createdBy: 'ada@example.org' };
      const operations = ['a', 'b', 'c'].map((key) => forge.set(key, key, lie));
      const author = 'Ada <ada@example.org> 1790000000 +0000';
      const ran = await forge.send(await forge.forge({ operations, ledger: (commit) => ({ ...commit, author }) }), {
        first: true,
      });
      expect(ran.code, ran.stderr).to.equal(0);
      await gateway.mirrored();
    });
    afterEach(async () => {
      await ada.close();
      await forge.close();
      await gateway.close();
    });

    const blamed = async (more: object = { verifier }): Promise<Blame[]> =>
      all(blame(ada.clone, { ...FRESH, prefix: '', commits: false, ...more }));
    const history = async (more: object = { verifier }): Promise<HistoryEntry[]> =>
      all(keyHistory(ada.clone, { ...FRESH, key: 'a', ...more }));
    const BOB = { by: 'bob', source: 'signature', author: 'ada@example.org' } as const;
    const CLAIM = { by: 'ada@example.org', source: 'claim' } as const;

    it('is named by the signature, of which one is verified a transaction', async () => {
      const found = await blamed();
      expect(found).to.have.length(3);
      for (const one of found) expect(one).to.include(BOB).and.not.to.have.property('commit');
      expect(verified).to.equal(1);
      expect((await history())[0]).to.include({ by: 'bob', source: 'signature', author: 'Ada <ada@example.org>', signer: 'bob' });
    });

    it('is believed where nobody looks, and it is said that this is so', async () => {
      for (const one of await blamed({})) expect(one).to.include(CLAIM);
      expect((await blamed({ commits: true }))[0])
        .to.include(CLAIM)
        .and.to.have.property('commit')
        .that.is.a('string');
      expect((await history({}))[0]).to.include({ by: 'bob', source: 'stargate' });
    });

    it('is known by the Stargate’s word alone, and in a blame by none, once the policy lists the key no more', async () => {
      const read = await blamed();
      expect(read).to.have.length(3);
      const restored = await gateway.backup();
      await gateway.close();
      gateway = await MemoryGateway.start({ format, writers: ['ada'], restored });
      await gateway.mirrored();
      for (const one of await blamed()) expect(one).to.include(CLAIM);
      expect((await history())[0]).to.include({ by: 'bob', source: 'stargate' });
    });

    it('is named across an epoch whose archive is here, or is asked for', async () => {
      await newEpoch(ada.clone, 'main', 'later');
      await gateway.mirrored();
      expect((await blamed({ verifier, commits: true }))[0]).to.include(BOB);
      expect((await blamed())[0]).to.include(BOB);
    });
  });
}
