import { GitMemoryStore } from '../../../adapters/git-memory/open.js';
import { openMemoryRemote, type ReceivedPush, RemotePlace } from '../../../adapters/remote-memory/open.js';
import type { GitStore, ObjectFormat } from '../../../ports/index.js';
import type { GitRemoteBench } from '../../contracts/git-remote.js';

/** A side that a store is behind. */
export const sideOf = (store: GitStore) => ({
  refs: () => store.refs(['refs/']),
  read: (oids: readonly string[]) => store.read(oids),
});

/** A clone with its two sides, in memory: a mirror, and one that takes pushes. */
export function memoryRemoteBench(
  format: ObjectFormat,
): GitRemoteBench & { readonly place: RemotePlace; readonly received: ReceivedPush[] } {
  const [clone, mirror, writeSide] = [new GitMemoryStore(format), new GitMemoryStore(format), new GitMemoryStore(format)];
  const place = new RemotePlace('test');
  const received: ReceivedPush[] = [];
  let refusal: readonly string[] = [];
  place.read = sideOf(mirror);
  place.write = {
    ...sideOf(writeSide),
    async receive(push) {
      received.push(push);
      if (refusal.length > 0) return refusal;
      await writeSide.write(push.objects);
      await writeSide.updateRefs(push.commands, 'push');
      return [];
    },
  };
  return {
    ...{ place, received, clone, mirror, writeSide },
    remote: openMemoryRemote({ place, store: clone, as: 'ada' }),
    async forget(direction) {
      place[direction] = null;
    },
    async vanish(direction) {
      place.away.add(direction);
    },
    async refuse(lines) {
      refusal = lines;
    },
    dispose: async () => undefined,
  };
}
