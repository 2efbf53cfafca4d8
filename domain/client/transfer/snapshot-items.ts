import { KvError } from '../../../ports/error.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { GitObject, Oid } from '../../../ports/vocabulary.js';
import { readAhead } from '../../git/read-ahead.js';
import { type ListedPointer, listPointers } from '../../index/list.js';
import { quoteKey, toUrlsafe } from '../../ledger/value/key.js';
import { decodeMetadata, type Metadata } from '../../ledger/value/metadata.js';
import { decodePointer, type Pointer } from '../../ledger/value/pointer.js';
import { type Clone, oidBytesOf } from '../clone/clone.js';
import type { Tip } from '../clone/tips.js';
import { MetadataPlaces } from './metadata-places.js';

/** Pointers opened at a time, and how many times as many are being opened meanwhile. */
const OPENED = { batch: 1024, depth: 3 };
/** The same in a partial clone, where each time may cost a connection. */
const BROUGHT = { batch: 4096, depth: 1 };
/** How much of values to hold, bytes. */
const BATCH_BYTES = 16 * 1024 * 1024;
/** A group's chunked values may have this many times the bytes of its others. */
const CHUNKED_SHARE = 16;

/** A live key. */
export interface Item {
  readonly pointer: Pointer;
  readonly meta: Metadata;
}

/** What of a namespace is asked for. */
interface Asked {
  readonly ns: string;
  readonly prefix: string;
}

/** The live keys of a state below a prefix, in the order of their names, so many at a time as can be held with their values. */
export function itemGroups(clone: Clone, asked: Asked, tip: Tip): AsyncGenerator<Item[]> {
  return new Items(clone, asked, tip).groups();
}

class Items {
  private readonly places: MetadataPlaces;
  private readonly pace: typeof OPENED;

  constructor(
    private readonly clone: Clone,
    private readonly request: Asked,
    private readonly tip: Tip,
  ) {
    this.pace = clone.store.capabilities.partial === true ? BROUGHT : OPENED;
    this.places = new MetadataPlaces(clone.store, clone.hasher, request.ns, tip.commit.tree, request.prefix);
  }

  async *groups(): AsyncGenerator<Item[]> {
    for await (const items of readAhead(this.batches(), (batch) => this.open(batch), this.pace.depth)) {
      for (let at = 0; at < items.length; ) {
        const group: Item[] = [];
        for (let bytes = 0; at < items.length; at++) {
          const item = items[at] as Item;
          const { type } = item.pointer;
          // Chunks are brought to the disk, not held.
          const size = type === 'inline' ? item.pointer.size : item.pointer.size / CHUNKED_SHARE;
          if (group.length > 0 && bytes + size > BATCH_BYTES) break;
          bytes += size;
          group.push(item);
        }
        yield group;
      }
    }
  }

  private async *batches(): AsyncGenerator<ListedPointer[]> {
    const { clone, tip, request } = this;
    const range = { prefix: toUrlsafe(request.prefix) };
    let batch: ListedPointer[] = [];
    for await (const pointer of listPointers(clone.store, request.ns, tip.trailers.indexTree, range, oidBytesOf(clone))) {
      batch.push(pointer);
      if (batch.length < this.pace.batch) continue;
      yield batch;
      batch = [];
    }
    if (batch.length > 0) yield batch;
  }

  /** The live ones of these pointers, with their metadata. */
  private async open(batch: readonly ListedPointer[]): Promise<Item[]> {
    const { store } = this.clone;
    const blobs = await store.read(batch.map(({ oid }) => oid));
    const live = batch
      .map(({ urlsafe }, i) => decodePointer(found(blobs[i], urlsafe, 'pointer').body, urlsafe))
      .filter(({ type }) => type !== 'deleted');
    const places = await this.places.of(live.map(({ key }) => key));
    const values = live.map(({ ledgerBlob, manifestBlob }) => ledgerBlob ?? manifestBlob);
    await store.prefetch?.([...places, ...values].filter((oid) => oid !== null));
    const metas = await readAll(store, places);
    return live.map((pointer, i) => {
      const { body } = found(metas[i], pointer.key, 'metadata');
      return { pointer, meta: decodeMetadata(body, () => quoteKey(pointer.key)) };
    });
  }
}

/** As `GitStore.read`; gives null where an id is null. */
async function readAll(store: GitStore, oids: readonly (Oid | null)[]): Promise<(GitObject | null)[]> {
  const objects = await store.read(oids.filter((oid) => oid !== null));
  let at = 0;
  return oids.map((oid) => (oid === null ? null : (objects[at++] ?? null)));
}

/** A blob that was read. Throws `GIT_ERROR` where it is missing. */
export function found(object: GitObject | null | undefined, key: string, what: string): GitObject {
  if (object?.type === 'blob') return object;
  throw new KvError('GIT_ERROR', `${what} of ${quoteKey(key)} is missing`, {
    hint: 'verify this clone',
    advice: { id: 'verify-clone' },
  });
}
