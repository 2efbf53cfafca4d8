import type { Oid } from '../../ports/vocabulary.js';
import { fromUrlsafe, toUrlsafe } from '../key.js';
import { pathsOf, placeOf } from '../ledger.js';
import { decodeMetadata } from '../metadata.js';
import { decodePointer, type Pointer } from '../pointer.js';
import { type ListedPointer, listPointers } from '../prefix-list.js';
import { MODE_FILE } from '../tree.js';
import { type Clone, oidBytesOf } from './clone.js';
import { isExpired } from './read.js';
import { type Freshness, noNamespace, tipForReading } from './tips.js';

export interface ListRequest extends Freshness {
  readonly ns: string;
  readonly prefix: string;
  /** Only keys that sort after this one. */
  readonly after?: string;
  readonly limit?: number;
  /** Also size, type and time, which costs two more objects a key. */
  readonly long: boolean;
  readonly allowExpired: boolean;
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
  };
}

const BATCH = 512;

/** Lists live keys in the order of their urlsafe forms, as they are read. Throws `NOT_FOUND` when there is no such namespace. */
export async function* listKeys(clone: Clone, request: ListRequest): AsyncGenerator<ListedKey> {
  const { ns } = request;
  const tip = await tipForReading(clone, ns, request);
  if (tip === null) throw noNamespace(ns);
  let left = request.limit ?? Number.POSITIVE_INFINITY;
  const range = {
    prefix: toUrlsafe(request.prefix),
    ...(request.after === undefined ? {} : { after: toUrlsafe(request.after) }),
  };
  const pointers = listPointers(clone.store, ns, tip.trailers.indexTree, range, oidBytesOf(clone));
  for await (const batch of inBatches(pointers, Math.min(BATCH, left))) {
    for (const item of await open(clone, request, tip.commit.tree, batch)) {
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

async function open(clone: Clone, request: ListRequest, ledgerTree: Oid, batch: readonly ListedPointer[]): Promise<ListedKey[]> {
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
    if (pointer && !request.allowExpired && (await isExpired(clone, request.ns, pointer))) continue;
    live.push({ key: pointer?.key ?? fromUrlsafe(urlsafe) ?? urlsafe, pointer });
  }
  return request.long ? withDetails(clone, request.ns, ledgerTree, live) : live.map(({ key }) => ({ key }));
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
    const { ctype, createdAt, createdBy, ttl } = meta;
    return { key, detail: { size: pointer.size, ctype, createdAt, createdBy, ttl, oid } };
  });
}
