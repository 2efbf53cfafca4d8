import { openProfile, type Profile } from '../../../../plugins/host/index.js';
import { KvError } from '../../../../ports/error.js';
import type { PeerTransport } from '../../../../ports/stargate/peer-transport.js';
import type { PeersWay } from '../../cluster/peers/peers-way.js';
import { showEndpoint } from '../../endpoints.js';
import type { Log } from '../../log/log.js';
import { ownEnv } from '../../process/environment.js';
import type { UndoStack } from '../../process/undo.js';
import { loopbackKey } from './peer-key.js';
import { isLoopback, type ReplicaSettings } from './settings.js';

/**
 * How servers speak to each other that find each other by the addresses of their APIs. Without a key, only on this host, as the user that they all
 * run as. Gives the way to them, too, as far as it is known now. Throws `CONFIG_INVALID`.
 */
export async function openApiTransport(
  running: Pick<UndoStack, 'push'>,
  { self, peers, keyFile, identity, listenPeers, trusted }: ReplicaSettings,
  root: string,
  log: Log,
): Promise<{ readonly transport: PeerTransport; readonly way: Omit<PeersWay, 'servers'> }> {
  const local = isLoopback(listenPeers.host) && peers.every(({ hostname }) => isLoopback(hostname));
  if (keyFile === undefined && identity === undefined && !local)
    throw new KvError('CONFIG_INVALID', 'the servers are on several hosts, and have nothing to know each other by', {
      hint: 'give --peer-key-file (PEER_KEY_FILE), the same to all, or --peer-ca, --peer-cert and --peer-cert-key',
    });
  const key = keyFile ?? (identity === undefined ? await loopbackKey(process.env) : undefined);
  if (keyFile === undefined && identity === undefined)
    log.warn('replica.loopback', { key, effect: 'servers of this user on this host trust each other; no other host is let in' });
  const way = { cluster: 'replicas', trusted, ...identity, ...(key === undefined ? {} : { keyFile: key }) };
  const config = {
    ...{ self, servers: { [self]: `${identity === undefined ? 'http' : 'https'}://127.0.0.1:1` } },
    ...{ listen: showEndpoint(listenPeers), ...way },
  };
  const profile: Profile = {
    ...{ name: 'replica', file: 'replica', plugins: [] },
    adapters: { 'peer-transport': { use: 'peer-http', line: 1, wrap: [], config } },
  };
  const composition = await openProfile(profile, { directory: root, env: ownEnv() });
  running.push(() => composition.close());
  return { transport: await composition.get<PeerTransport>('peer-transport'), way };
}
