import type { Composition } from '../../../../plugins/host/index.js';
import type { PeerTransport } from '../../../../ports/stargate/peer-transport.js';
import type { Log } from '../../log/log.js';
import type { UndoStack } from '../../process/undo.js';
import { PeerDispatch } from './dispatch.js';
import { MetServers, metServersFile } from './met-servers.js';
import { Namesakes } from './namesakes.js';

/**
 * Listens to the other servers, where the profile names how they speak to each other; undefined: there is no cluster. `folder` has what is to
 * be known of them after a start. Throws `CONFIG_INVALID` where another server goes by this one's name.
 */
export async function openPeers(
  running: Pick<UndoStack, 'push'>,
  composition: Composition,
  folder: string,
  log: Log,
): Promise<PeerDispatch | undefined> {
  if (composition.profile.adapters['peer-transport'] === undefined) return undefined;
  const transport = await composition.get<PeerTransport>('peer-transport');
  const dispatch = new PeerDispatch(transport, undefined, await MetServers.open(metServersFile(folder), transport, log));
  running.push(() => transport.close());
  await meetOthers(running, dispatch, log);
  return dispatch;
}

/** Takes requests of the other servers from now on, once none of them knows another server of this one's name. Throws `CONFIG_INVALID` else. */
export async function meetOthers(running: Pick<UndoStack, 'push'>, dispatch: PeerDispatch, log: Log): Promise<void> {
  const namesakes = new Namesakes(dispatch, log);
  running.push(() => namesakes.close());
  await dispatch.start();
  await namesakes.meet();
}
