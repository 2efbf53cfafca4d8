import { KvError } from '../../../ports/error.js';
import type { Oid } from '../../../ports/vocabulary.js';
import type { Few } from '../../../domain/repo/serve/few-objects.js';
import type { SmallPacks } from '../cluster/objects/small-packs.js';

/** As much as comes with a turn: of more, a fetch makes less, and keeps nobody waiting meanwhile. */
const MOST: Few = { objects: 8000, bytes: 2 * 1024 * 1024, depth: 500 };
/** Of a pack, bytes. */
const MOST_BYTES = 512 * 1024;

/** Makes what a turn brings: what commits reach and a clone has not got, as a pack; null where that is more than comes with a turn. */
export function turnNews(
  packs: Pick<SmallPacks, 'make'>,
): (want: readonly Oid[], have: readonly Oid[]) => Promise<Uint8Array | null> {
  return async (want, have) => {
    try {
      const pieces = await packs.make(want, have, MOST);
      if (pieces === null || pieces.reduce((sum, { length }) => sum + length, 0) > MOST_BYTES) return null;
      return Buffer.concat(pieces);
    } catch (error) {
      if (KvError.is(error)) return null; // a fetch has the words for whatever is wrong with the repository
      throw error;
    }
  };
}
