import { expect } from 'chai';
import { setUpRemote } from '../../../../domain/client/remote/setup.js';
import { rejects } from '../../../contracts/git-store-parts/bench.js';
import { openMemoryClient } from '../../../support/memory-client.js';
import { MemoryGateway } from '../../../support/memory-gateway.js';

describe('setting a remote up', () => {
  it('configures nothing where the host key can not be pinned', async () => {
    const gateway = await MemoryGateway.start({ format: 'sha1' });
    const { clone, close } = await openMemoryClient(gateway, 'ada');
    const asked: string[] = [];
    const configured: string[] = [];
    const stargate = {
      ...clone.stargate,
      pinHostKey: async (url: string, fingerprint: string) => {
        asked.push(`${url} ${fingerprint}`);
        return clone.stargate.pinHostKey(url, fingerprint);
      },
    };
    const writer = { set: async (key: string) => void configured.push(key) };
    const request = { url: 'ssh://git@stargate.local/kv.git', workTreePolicy: null, writer };
    try {
      const pinning = setUpRemote({ ...clone, stargate }, { ...request, fingerprint: 'SHA256:x' });
      await rejects(pinning, 'NOT_SUPPORTED');
      expect(configured).to.deep.equal([]);
      // It is the address to be that is asked, not the one from before.
      expect(asked).to.deep.equal(['ssh://git@stargate.local/kv.git SHA256:x']);
      await setUpRemote(clone, request);
      expect(configured).to.deep.equal(['remote.origin.pushurl', 'remote.origin.fetch']);
    } finally {
      await close();
      await gateway.close();
    }
  });
});
