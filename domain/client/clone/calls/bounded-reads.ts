import { KvError } from '../../../../ports/error.js';
import type { GitStore } from '../../../../ports/git/git-store.js';
import { parseSize } from '../../../../ports/grammar/size.js';
import type { ReadBounds } from '../../../../ports/git/read-bounds.js';
import type { GitObject, Oid } from '../../../../ports/vocabulary.js';
import { untrusted } from '../../../git/untrusted.js';
import { replacing } from '../../../git/store-view.js';

const MiB = 1024 * 1024;
/** The largest value that is read whole unless `kv.maxObject` says more: no Stargate takes a larger one unless its policy says so. Bytes. */
const MOST = 64 * MiB;
/** What is no value is far smaller. Bytes. */
const MOST_COMMIT = MiB;
const MOST_TREE = 16 * MiB;
/** One request may bring so many of the largest values. */
const TOGETHER = 8;

/**
 * A clone's store that opens nothing so large as no Stargate takes, since a host could serve anything. `ATTESTATION_MISMATCH` names the
 * object, before it is in memory. `maxObject` is what `kv.maxObject` says; throws `CONFIG_INVALID` when that is no size. Passes
 * everything else on.
 */
export function boundedReads(store: GitStore, maxObject?: string): GitStore {
  const bounds = readBounds(maxObject);
  const bounded = async (reading: Promise<(GitObject | null)[]>): Promise<(GitObject | null)[]> => {
    try {
      return await reading;
    } catch (error) {
      if (!KvError.is(error) || error.details?.['tooLarge'] === undefined) throw error;
      throw untrusted(error.message, error.details);
    }
  };
  const own: Pick<GitStore, 'read' | 'readPaths'> = {
    read: (oids: readonly Oid[], given = bounds) => bounded(store.read(oids, given)),
    readPaths: (root: Oid, paths: readonly string[], given = bounds) => bounded(store.readPaths(root, paths, given)),
  };
  return replacing(store, own);
}

function readBounds(maxObject?: string): ReadBounds {
  const most = maxObject === undefined ? MOST : parseSize(maxObject);
  if (most === undefined || most === 0) {
    throw new KvError('CONFIG_INVALID', `kv.maxObject is ${JSON.stringify(maxObject)}, which is no size`, {
      hint: 'git config kv.maxObject 256MiB',
    });
  }
  return {
    objects: { commit: MOST_COMMIT, tag: MOST_COMMIT, tree: MOST_TREE, blob: most },
    together: TOGETHER * Math.max(most, MOST),
  };
}
