import type { Composition } from '../../../plugins/host/index.js';
import type { PeerTransport } from '../../../ports/stargate/peer-transport.js';
import { PeerDispatch } from './dispatch.js';

/** Listens to the other servers, where the profile names how they speak to each other; undefined: there is no cluster. */
export async function openPeers(composition: Composition): Promise<PeerDispatch | undefined> {
  if (composition.profile.adapters['peer-transport'] === undefined) return undefined;
  const dispatch = new PeerDispatch(await composition.get<PeerTransport>('peer-transport'));
  await dispatch.start();
  return dispatch;
}
