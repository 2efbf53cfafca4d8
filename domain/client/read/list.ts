import { KvError } from '../../../ports/error.js';
import type { Oid } from '../../../ports/vocabulary.js';
import { fromUrlsafe, toUrlsafe } from '../../ledger/value/key.js';
import { pathsOf, placeOf } from '../../ledger/paths.js';
import { decodeMetadata } from '../../ledger/value/metadata.js';
import { decodePointer, type Pointer } from '../../ledger/value/pointer.js';
import { type ListedPointer, listPointers } from '../../index/list.js';
import { MODE_FILE } from '../../git/tree/tree.js';
import { momentAt, momentNow } from '../past/at.js';
import { type Clone, oidBytesOf } from '../clone/clone.js';
import { hasPassed, hidesExpired } from './read.js';
import type { Freshness } from '../remote/tip-for-reading.js';
import type { LedgerCommit } from '../clone/tips.js';

interface ListRequest extends Freshness {
  readonly ns: string;
  readonly prefix: string;
  /** Only keys that sort after this one. */
  readonly after?: string;
  readonly limit?: number;
  /** Also size, type and time, which costs two more objects a key. */
  readonly long: boolean;
  readonly allowExpired: boolean;
  /** `<oid|time|txn>`: the state as of then, TTLs judged then too. */
  readonly at?: string;
}

/** A live key, in a long listing with what its pointer and metadata say. */
export interface ListedKey {
  readonly key: string;
  /** Present in a long listing. `size` in bytes; times ISO 8601. */
  readonly detail?: {
    readonly size: number;
    readonly ctype: string;
    readonly createdAt: string;
    readonly createdBy: string;
    readonly ttl: string | null;
    /** At the time that is listed; without `allowExpired` such a key is left out. */
    readonly expired: boolean;
    readonly oid: Oid;
    /** The transaction that last set it. */
    readonly txn: string;
  };
}

/** Pointers opened at a time. They become more, so that the first come soon and a partial clone fetches seldom. */
const FIRST_BATCH = 512;
const LAST_BATCH = 8192;

/** Keys as they are read, and the state that they are of. */
export interface Listing {
  readonly ledger: LedgerCommit;
  /** When TTLs are judged, ms since the epoch. */
  readonly time: number;
  readonly keys: AsyncIterable<ListedKey>;
}

/** Lists live keys in the order of their urlsafe forms, as they are read. Throws `NOT_FOUND` when there is no such namespace. */
export async function* listKeys(clone: Clone, request: ListRequest): AsyncGenerator<ListedKey> {
  yield* (await openListing(clone, request)).keys;
}

/** As `listKeys`, and says what is listed: who reads page by page names it in `at`. */
export async function openListing(clone: Clone, request: ListRequest): Promise<Listing> {
  const { ns, at } = request;
  const { ledger, time } = at === undefined ? await momentNow(clone, ns, request) : await momentAt(clone, ns, at, request);
  const { indexTree } = ledger.trailers;
  if (at !== undefined && !(await clone.store.headers([indexTree]))[0]) throw indexGone(ns, at);
  return listingOf(clone, request, { ledger, time });
}

/** A listing of a state that was found before, TTLs judged at `time` (ms since the epoch). Nothing is read yet. */
export function listingOf(
  clone: Clone,
  request: ListRequest,
  { ledger, time }: { readonly ledger: LedgerCommit; readonly time: number },
): Listing {
  return { ledger, time, keys: keysOf(clone, request, ledger, time) };
}

async function* keysOf(clone: Clone, request: ListRequest, ledger: LedgerCommit, time: number): AsyncGenerator<ListedKey> {
  let left = request.limit ?? Number.POSITIVE_INFINITY;
  const range = {
    prefix: toUrlsafe(request.prefix),
    ...(request.after === undefined ? {} : { after: toUrlsafe(request.after) }),
  };
  const pointers = listPointers(clone.store, request.ns, ledger.trailers.indexTree, range, oidBytesOf(clone));
  for await (const batch of inBatches(pointers, left)) {
    for (const item of await open(clone, request, { tree: ledger.commit.tree, time }, batch)) {
      if (left-- <= 0) return;
      yield item;
    }
    if (left <= 0) return;
  }
}

async function* inBatches(items: AsyncIterable<ListedPointer>, limit: number): AsyncGenerator<ListedPointer[]> {
  let size = Math.min(FIRST_BATCH, limit);
  let batch: ListedPointer[] = [];
  for await (const item of items) {
    batch.push(item);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
    size = Math.min(8 * size, LAST_BATCH);
  }
  if (batch.length > 0) yield batch;
}

function indexGone(ns: string, at: string): KvError {
  return new KvError('NOT_FOUND', `the index of namespace ${ns} at ${at} is not in this clone`, {
    hint: 'a shallow clone has no past: git fetch --unshallow',
  });
}

function pointerGone(urlsafe: string): KvError {
  return new KvError('GIT_ERROR', `the pointer of ${urlsafe} is missing in this clone`, {
    hint: 'run git fsck in this clone; a fresh clone has it anew',
  });
}

interface State {
  /** The ledger's. */
  readonly tree: Oid;
  /** When TTLs are judged, ms since the epoch. */
  readonly time: number;
}

async function open(clone: Clone, request: ListRequest, state: State, batch: readonly ListedPointer[]): Promise<ListedKey[]> {
  const toOpen = batch.filter(({ mode }) => request.long || mode !== MODE_FILE);
  const objects = await clone.store.read(toOpen.map(({ oid }) => oid));
  const opened = new Map<string, Pointer>();
  toOpen.forEach(({ urlsafe }, i) => {
    const object = objects[i];
    if (!object) throw pointerGone(urlsafe);
    opened.set(urlsafe, decodePointer(object.body, urlsafe));
  });
  const passed = (pointer: Pointer | undefined): boolean => hasPassed(pointer?.ttl ?? null, state.time);
  // Asked once, since a listing may come across thousands that have expired.
  const hides = [...opened.values()].some(passed) && (await hidesExpired(clone, request.ns));
  const live: Live[] = [];
  for (const { urlsafe } of batch) {
    const pointer = opened.get(urlsafe);
    const expired = hides && passed(pointer);
    if (pointer?.type === 'deleted' || (expired && !request.allowExpired)) continue;
    live.push({ key: pointer?.key ?? fromUrlsafe(urlsafe) ?? urlsafe, pointer, expired });
  }
  return request.long ? withDetails(clone, request.ns, state.tree, live) : live.map(({ key }) => ({ key }));
}

interface Live {
  readonly key: string;
  readonly pointer: Pointer | undefined;
  readonly expired: boolean;
}

async function withDetails(clone: Clone, ns: string, ledgerTree: Oid, live: readonly Live[]): Promise<ListedKey[]> {
  const metas = await clone.store.readPaths(
    ledgerTree,
    live.map(({ key }) => pathsOf(ns, placeOf(key, clone.hasher)).meta),
  );
  return live.map(({ key, pointer, expired }, i) => {
    const blob = metas[i];
    if (!blob || !pointer) return { key };
    const meta = decodeMetadata(blob.body, key);
    const oid = pointer.ledgerBlob ?? pointer.manifestBlob ?? '';
    const { ctype, createdAt, createdBy, ttl, txn } = meta;
    return { key, detail: { size: pointer.size, ctype, createdAt, createdBy, ttl, expired, oid, txn } };
  });
}
