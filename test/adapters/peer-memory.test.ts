import { openMemoryPeers, PeerPlace } from '../../adapters/peer-memory/open.js';
import { PEER_PROTOCOL } from '../../ports/stargate/peer-transport.js';
import { peerTransportContract } from '../contracts/peer-transport.js';

const timeoutMs = 300;

peerTransportContract('peer-memory', async () => {
  const place = new PeerPlace();
  return {
    timeoutMs,
    open: async (self) => openMemoryPeers({ place, self, timeoutMs }),
    async openOdd(self, odd) {
      if (odd === 'key' || odd === 'clock') return null;
      if (odd === 'cluster') return openMemoryPeers({ place, self, cluster: 'another', timeoutMs });
      const protocol = PEER_PROTOCOL + (odd === 'next-version' ? 1 : 2);
      return openMemoryPeers({ place, self, protocol, timeoutMs });
    },
    dispose: async () => undefined,
  };
});
