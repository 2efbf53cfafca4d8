import { expect } from 'chai';
import { setUpRemote } from '../../../../domain/client/remote/setup.js';
import { setupText } from '../../../../apps/cli/render/remote/setup.js';
import type { PinnedHostKey } from '../../../../ports/clone/admin-client.js';
import { KvError } from '../../../../ports/error.js';
import { rejects } from '../../../contracts/git-store-parts/bench.js';
import { openMemoryClient } from '../../../support/memory/client.js';
import { MemoryGateway } from '../../../support/memory/gateway.js';

describe('setting a remote up', () => {
  it('has ssh know the other servers of a cluster by the same key, and says of which it does not', async () => {
    const urls = 'push_urls: { one: ssh://one.local/kv.git, two: ssh://two.local/kv.git, three: ssh://three.local/kv.git }';
    const policy = (text: string): string => text.replace(/^stargate:$/m, `stargate:\n  ${urls}`);
    const gateway = await MemoryGateway.start({ format: 'sha1', policy });
    const { clone, close } = await openMemoryClient(gateway, 'ada');
    const pinHostKey = async (url: string, fingerprint: string): Promise<PinnedHostKey> => {
      if (url.includes('three')) throw new KvError('IO_ERROR', 'nobody answers there');
      return { fingerprint, type: 'ssh-ed25519', host: new URL(url).host, file: 'known_hosts', replaced: 0, known: false };
    };
    const stargate = { ...clone.stargate, pinHostKey };
    const request = { url: 'ssh://one.local/kv.git', workTreePolicy: null, writer: { set: async () => undefined } };
    try {
      const report = await setUpRemote({ ...clone, stargate }, { ...request, fingerprint: 'SHA256:x' });
      expect(report.pinned?.host).to.equal('one.local');
      const servers = report.servers.map(({ url, pinned, error }) => [url, pinned?.fingerprint, error?.message]);
      expect(servers).to.deep.equal([
        ['ssh://two.local/kv.git', 'SHA256:x', undefined],
        ['ssh://three.local/kv.git', undefined, 'nobody answers there'],
      ]);
      expect(setupText(report))
        .to.contain('Noted host key SHA256:x (ssh-ed25519) for two.local')
        .and.to.contain('warning: ssh does not know');
      expect((await setUpRemote({ ...clone, stargate }, request)).servers).to.deep.equal([]);
    } finally {
      await close();
      await gateway.close();
    }
  });

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
