import { expect } from 'chai';
import { fetchNamespace } from '../../../domain/client/remote/fetch-namespace.js';
import { type Blame, blame } from '../../../domain/client/history/blame.js';
import { type HistoryEntry, keyHistory } from '../../../domain/client/history/history.js';
import { decodeCommit, encodeCommit } from '../../../domain/git/commit.js';
import { intentsRef, ledgerRef, trackingRef, trackingRequest } from '../../../domain/ledger/refs.js';
import { all } from '../../support/all.js';
import { IntentMaker } from '../../support/formats/intents.js';
import { type MemoryClient, openMemoryClient } from '../../support/memory/client.js';
import { MemoryGateway } from '../../support/memory/gateway.js';

const FRESH = { ns: 'main', readFrom: 'mirror', offline: false } as const;
const sequenced = (text: string): string => text.replace('ledger_mode: linear', 'ledger_mode: sequenced');
const ADA = 'Ada <ada@example.org>';

for (const format of ['sha1', 'sha256'] as const) {
  describe(`a writer of a sequenced ledger who says that it was another (${format})`, () => {
    let gateway: MemoryGateway;
    let ada: MemoryClient;
    let epoch: string;
    beforeEach(async () => {
      gateway = await MemoryGateway.start({ format, writers: ['ada', 'bob'], policy: sequenced });
      const maker = new IntentMaker(gateway.people, gateway.repositoryId, format);
      const stamp = `${ADA} 1790000000 +0000`;
      const commit = (lie: { author: string; committer: string }): object => ({ ...lie, author: stamp, committer: stamp });
      const wish = { set: { a: '1' }, commit: (made: Parameters<typeof encodeCommit>[0]) => ({ ...made, ...commit(made) }) };
      ({ epoch } = await gateway.order('bob', (await maker.make('bob', wish)).objects));
      await gateway.mirrored();
      ada = await openMemoryClient(gateway, 'ada');
    });
    afterEach(async () => {
      await ada.close();
      await gateway.close();
    });

    const blamed = async (more: object = {}): Promise<Blame> =>
      (await all(blame(ada.clone, { ...FRESH, prefix: '', commits: false, verifier: ada.verifier, ...more })))[0] as Blame;
    const history = async (more: object = {}): Promise<HistoryEntry> =>
      (await all(keyHistory(ada.clone, { ...FRESH, key: 'a', verifier: ada.verifier, ...more })))[0] as HistoryEntry;
    const fetchIntents = (): Promise<unknown> =>
      ada.clone.remotes.fetch('origin', 'read', [trackingRequest('mirror', intentsRef('main', epoch))]);

    it('is named by the signature of the intent, where that is here', async () => {
      await fetchIntents();
      for (const found of [await history(), await blamed(), await blamed({ commits: true })])
        expect(found).to.include({ by: 'bob', source: 'signature' });
      expect(await history()).to.include({ author: ADA, signed: true });
    });

    it('is known by the Stargate’s word where the intent is not, and by none where that has noted nothing', async () => {
      expect(await history()).to.include({ by: 'bob', source: 'stargate' });
      expect(await blamed()).to.include({ by: 'bob', source: 'stargate', author: 'ada@example.org' });
      let late = await openMemoryClient(gateway, 'ada');
      try {
        await fetchNamespace(late.clone, 'main', 'mirror');
        [ada, late] = [late, ada];
        expect(await blamed({ offline: true })).to.include({ by: 'ada@example.org', source: 'claim' });
        expect(await history({ offline: true })).to.include({ by: ADA, source: 'claim' });
      } finally {
        await late.close();
      }
    });

    it('is not believed on an intent that the sequencer did not make a commit of', async () => {
      await history();
      await fetchIntents();
      const ref = trackingRef('mirror', ledgerRef('main'));
      const old = (await ada.clone.store.refs([ref])).get(ref) ?? '';
      const [object] = await ada.clone.store.read([old]);
      const commit = decodeCommit(object?.body ?? new Uint8Array(0), old, format);
      const resigned = async (change: Partial<typeof commit>, by: Pick<MemoryGateway['sequencer'], 'sign'>) => {
        const plain = { ...commit, ...change, signature: null };
        const signature = await by.sign(encodeCommit(plain, format));
        const body = encodeCommit({ ...plain, signature }, format);
        const next = new IntentMaker(gateway.people, gateway.repositoryId, format).namer.object('commit', body);
        await ada.clone.store.write([next]);
        const before = (await ada.clone.store.refs([ref])).get(ref) ?? '';
        await ada.clone.store.updateRefs([{ ref, old: before, next: next.oid }], 'test');
        return history({ offline: true });
      };
      expect((await resigned({}, gateway.people.signer('bob'))).source, 'by a writer').to.equal('claim');
      expect((await resigned({ author: 'Eve <e@x> 1790000000 +0000' }, gateway.sequencer)).source, 'of another').to.equal(
        'claim',
      );
      expect(await resigned({}, gateway.sequencer), 'again as it was').to.include({ by: 'bob', source: 'signature' });
    });
  });
}
