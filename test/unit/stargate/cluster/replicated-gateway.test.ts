import { expect } from 'chai';
import { replicate } from '../../../../apps/stargate/cluster/replicate.js';
import { listKeys } from '../../../../domain/client/read/list.js';
import { write } from '../../../../domain/client/write/write.js';
import { utf8 } from '../../../../domain/git/bytes.js';
import type { GitStore } from '../../../../ports/git/git-store.js';
import type { LedgerMode } from '../../../../ports/stargate/policy-reader.js';
import { all } from '../../../support/all.js';
import { refusal } from '../../../support/failure.js';
import { MemoryCluster, type MemoryServer } from '../../../support/memory/cluster.js';
import { type MemoryClient, openMemoryClient } from '../../../support/memory/client.js';
import { MemoryGateway } from '../../../support/memory/gateway.js';

const ALL = { prefix: '', long: false, allowExpired: false, readFrom: 'stargate', offline: false } as const;
const LEDGERS = ['refs/kv/', 'refs/kv-index/', 'refs/kv-watchlog/', 'refs/kv-intents/', 'refs/kv-policy/'];

for (const mode of ['linear', 'sequenced'] satisfies LedgerMode[]) {
  describe(`a gateway whose commits a cluster decides (${mode})`, () => {
    let cluster: MemoryCluster;
    let gateway: MemoryGateway;
    let ada: MemoryClient;
    beforeEach(async () => {
      gateway = await MemoryGateway.start({
        format: 'sha1',
        policy: (text) => text.replace('ledger_mode: linear', `ledger_mode: ${mode}`),
        async cluster(store) {
          cluster = await MemoryCluster.startOver(store, 'one', 'two', 'three');
          const { member } = await cluster.leader();
          if (member === null) throw new Error('it leads');
          return (intent, objects) => replicate(member, store, intent, objects, 'quorum');
        },
      });
      ada = await openMemoryClient(gateway, 'ada');
    });
    afterEach(async () => {
      await ada.close();
      await gateway.close();
      await cluster.stop();
    });

    const set = (key: string, text: string) =>
      write(ada.clone, { ns: 'main', operations: [{ op: 'set', key, value: utf8(text), ctype: 'text/plain' }] });
    const shown = async ({ store }: { readonly store: GitStore }): Promise<string[]> => {
      const refs = await store.refs(LEDGERS);
      for (const tip of refs.values()) expect((await store.headers([tip]))[0], tip).to.not.equal(null);
      return [...refs].map(([ref, oid]) => `${ref} ${oid}`).sort();
    };

    it('answers a write that a majority has, and every server shows it', async () => {
      for (let at = 0; at < 3; at++) await set(`k:${at}`, `value ${at}`);
      await cluster.level();
      const [one, two, three] = cluster.servers as [MemoryServer, MemoryServer, MemoryServer];
      const here = await shown(one);
      expect(here.some((line) => line.startsWith('refs/kv/main '))).to.equal(true);
      expect(await shown(two)).to.deep.equal(here);
      expect(await shown(three)).to.deep.equal(here);
      const keys = await all(listKeys(ada.clone, { ...ALL, ns: 'main' }));
      expect(keys.map(({ key }) => key)).to.deep.equal(['k:0', 'k:1', 'k:2']);
    });

    if (mode === 'sequenced') return; // the same commit, whose writer tries again for a minute
    it('refuses one without a majority, of which nothing is left', async () => {
      await set('k', 'before');
      const [one, two, three] = cluster.servers as [MemoryServer, MemoryServer, MemoryServer];
      await two.stop();
      await three.stop();
      const before = await shown(one);
      const refused = await refusal(set('k', 'alone'));
      expect(['BUSY', 'NOT_LEADER']).to.include(refused.code); // as soon as it notices that it is alone, it leads no more
      expect(await shown(one)).to.deep.equal(before);
    });
  });
}
