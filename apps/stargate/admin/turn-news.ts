import type { TreeReader } from '../../../domain/git/tree/tree-draft.js';
import { commitParents } from '../../../ports/grammar/git-words/object-links.js';
import { KvError } from '../../../ports/error.js';
import type { ObjectExchange } from '../../../ports/git/object-exchange.js';
import type { Oid } from '../../../ports/vocabulary.js';
import type { Few } from '../../../domain/repo/serve/few-objects.js';
import type { SmallPacks } from '../cluster/objects/small-packs.js';

/** What makes packs for turns. */
interface NewsParts {
  readonly small: Pick<SmallPacks, 'make'>;
  /** Makes what is no longer small, by a process. */
  readonly exchange: Pick<ObjectExchange, 'send'>;
  readonly reader: TreeReader;
}

/** A namespace's ledger commit and index commit. */
export type Tips = readonly [ledger: Oid, index: Oid];

/** Up to so many transactions are packed in this process. */
const SMALL = 4;
const FEW: Few = { objects: 500, bytes: 1024 * 1024, depth: 2 * SMALL };
/** Of more transactions, or of a larger pack (bytes), a fetch is made: nobody is to be kept waiting for it meanwhile. */
const MOST = 500;
const MOST_BYTES = 512 * 1024;

/** Makes what a turn brings: what a namespace's tips reach and a clone's don't, as a thin pack; null where that is more than comes with a turn. */
export function turnNews({ small, exchange, reader }: NewsParts): (want: Tips, have: Tips) => Promise<Uint8Array | null> {
  return async (want, have) => {
    try {
      const behind = await distance(reader, want[0], have[0]);
      if (behind === null) return null;
      const pieces = behind > SMALL ? null : await small.make(want, have, { few: FEW, thin: true });
      return await bounded(pieces ?? exchange.send(want, have));
    } catch (error) {
      if (KvError.is(error)) return null; // a fetch has the words for whatever is wrong with the repository
      throw error;
    }
  };
}

/** How many ledger commits lie between; null where it is more than a turn brings, or where the one is not behind the other. */
async function distance(reader: TreeReader, from: Oid, to: Oid): Promise<number | null> {
  let oid: Oid | undefined = from;
  for (let steps = 0; oid !== undefined && steps <= MOST; steps++) {
    if (oid === to) return steps;
    const [commit] = await reader.read([oid]);
    oid = commit?.type === 'commit' ? commitParents(commit)[0] : undefined;
  }
  return null;
}

/** All pieces; null, and no more asked for, where they are too much. */
async function bounded(pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<Uint8Array | null> {
  const taken: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of pieces) {
    taken.push(piece);
    bytes += piece.length;
    if (bytes > MOST_BYTES) return null;
  }
  return Buffer.concat(taken);
}
