import { KvError } from '../../ports/error.js';
import type { Oid } from '../../ports/vocabulary.js';
import { fromUrlsafe, toUrlsafe } from '../key.js';
import { pathsOf, placeOf } from '../ledger.js';
import { decodeMetadata } from '../metadata.js';
import { decodePointer, type Pointer } from '../pointer.js';
import { type ListedPointer, listPointers } from '../prefix-list.js';
import { MODE_FILE } from '../tree.js';
import { momentAt, momentNow } from './at.js';
import { type Clone, oidBytesOf } from './clone.js';
import { isExpired } from './read.js';
import type { Freshness } from './tips.js';

export interface ListRequest extends Freshness {
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

export interface ListedKey {
  readonly key: string;
  /** Present in a long listing. `size` in bytes; times ISO 8601. */
  readonly detail?: {
    readonly size: number;
    readonly ctype: string;
    readonly createdAt: string;
    readonly createdBy: string;
    readonly ttl: string | null;
    readonly oid: Oid;
    /** The transaction that last set it. */
    readonly txn: string;
  };
}

const BATCH = 512;

/** Lists live keys in the order of their urlsafe forms, as they are read. Throws `NOT_FOUND` when there is no such namespace. */
export async function* listKeys(clone: Clone, request: ListRequest): AsyncGenerator<ListedKey> {
  const { ns, at } = request;
  const { ledger, time } = at === undefined ? await momentNow(clone, ns, request) : await momentAt(clone, ns, at, request);
  const { indexTree } = ledger.trailers;
  if (at !== undefined && !(await clone.store.headers([indexTree]))[0]) throw indexGone(ns, at);
  let left = request.limit ?? Number.POSITIVE_INFINITY;
  const range = {
    prefix: toUrlsafe(request.prefix),
    ...(request.after === undefined ? {} : { after: toUrlsafe(request.after) }),
  };
  const pointers = listPointers(clone.store, ns, indexTree, range, oidBytesOf(clone));
  for await (const batch of inBatches(pointers, Math.min(BATCH, left))) {
    for (const item of await open(clone, request, { tree: ledger.commit.tree, time }, batch)) {
      if (left-- <= 0) return;
      yield item;
    }
    if (left <= 0) return;
  }
}

async function* inBatches(items: AsyncIterable<ListedPointer>, size: number): AsyncGenerator<ListedPointer[]> {
  let batch: ListedPointer[] = [];
  for await (const item of items) {
    batch.push(item);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

function indexGone(ns: string, at: string): KvError {
  return new KvError('NOT_FOUND', `the index of namespace ${ns} at ${at} is not in this clone`, {
    hint: 'a shallow clone has no past: git fetch --unshallow',
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
    if (object) opened.set(urlsafe, decodePointer(object.body, urlsafe));
  });
  const live: { key: string; pointer: Pointer | undefined }[] = [];
  for (const { urlsafe } of batch) {
    const pointer = opened.get(urlsafe);
    if (pointer?.type === 'deleted') continue;
    if (pointer && !request.allowExpired && (await isExpired(clone, request.ns, pointer, state.time))) continue;
    live.push({ key: pointer?.key ?? fromUrlsafe(urlsafe) ?? urlsafe, pointer });
  }
  return request.long ? withDetails(clone, request.ns, state.tree, live) : live.map(({ key }) => ({ key }));
}

async function withDetails(
  clone: Clone,
  ns: string,
  ledgerTree: Oid,
  live: readonly { key: string; pointer: Pointer | undefined }[],
): Promise<ListedKey[]> {
  const metas = await clone.store.readPaths(
    ledgerTree,
    live.map(({ key }) => pathsOf(ns, placeOf(key, clone.hasher)).meta),
  );
  return live.map(({ key, pointer }, i) => {
    const blob = metas[i];
    if (!blob || !pointer) return { key };
    const meta = decodeMetadata(blob.body, key);
    const oid = pointer.ledgerBlob ?? pointer.manifestBlob ?? '';
    const { ctype, createdAt, createdBy, ttl, txn } = meta;
    return { key, detail: { size: pointer.size, ctype, createdAt, createdBy, ttl, oid, txn } };
  });
}
