import type { Randomness } from '../../../../ports/clock.js';
import { meetOthers } from '../../cluster/peers/open-peers.js';
import type { Log } from '../../log/log.js';
import type { UndoStack } from '../../process/undo.js';
import { serveRootControl } from '../cluster/root-control.js';
import { type Creating, openCreating } from '../creation/creating.js';
import type { RootRepositories } from './repositories.js';
import type { RootShared } from './shared.js';

/**
 * What creates and removes repositories, with the other servers where there are some; these are met from here on. Null where this server
 * is alone and has no API.
 */
export async function openCreationOf(
  running: Pick<UndoStack, 'push'>,
  { composition, catalogue, reader, clock }: RootShared,
  { servers, cluster, repositories, index }: RootRepositories,
  log: Log,
): Promise<Creating | null> {
  if (servers === null) return null;
  const creating = await openCreating({
    ...{ self: servers.self, roster: servers.roster, dispatch: cluster?.dispatch ?? null, catalogue, reader, clock, log },
    ...{ randomness: await composition.get<Randomness>('randomness'), taken: () => index.look() },
    release: (name) => repositories.release(name),
  });
  if (cluster !== null) {
    cluster.isRemoved = (id) => creating.isRemoved(id);
    running.push(serveRootControl({ cluster, creating }));
    await meetOthers(running, cluster.dispatch, log);
  }
  servers.listening?.();
  return creating;
}
