import type { Composition } from '../../../../plugins/host/index.js';
import type { PeerTransport } from '../../../../ports/stargate/peer-transport.js';
import type { Log } from '../../log/log.js';
import { PeerDispatch } from './dispatch.js';
import { MetServers, metServersFile } from './met-servers.js';

/**
 * Listens to the other servers, where the profile names how they speak to each other; undefined: there is no cluster. `folder` has what is to
 * be known of them after a start.
 */
export async function openPeers(composition: Composition, folder: string, log: Log): Promise<PeerDispatch | undefined> {
  if (composition.profile.adapters['peer-transport'] === undefined) return undefined;
  const transport = await composition.get<PeerTransport>('peer-transport');
  const dispatch = new PeerDispatch(transport, undefined, await MetServers.open(metServersFile(folder), transport, log));
  await dispatch.start();
  return dispatch;
}
