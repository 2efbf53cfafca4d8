import type { NewObject } from '../../../ports/git/git-store.js';
import type { Oid } from '../../../ports/vocabulary.js';
import { MANIFEST_SUFFIX, META_SUFFIX, placeOf } from '../paths.js';
import { chunkDirs, encodeManifest, type Manifest } from '../value/manifest.js';
import { encodeMetadata, type Metadata } from '../value/metadata.js';
import { toUrlsafe } from '../value/key.js';
import type { ObjectNamer } from '../../git/object.js';
import { type Pointer, tombstone } from '../value/pointer.js';
import { MODE_FILE } from '../../git/tree/tree.js';
import type { FileEdit, PathEdits } from '../../git/tree/tree-draft.js';

/** One operation on one key, checked and complete. A batch has at most one for a key. */
export type Operation =
  | { readonly op: 'set'; readonly key: string; readonly value: Uint8Array; readonly meta: Metadata }
  /** The value is a blob that is in the store already, or comes there with the transaction. */
  | { readonly op: 'set'; readonly key: string; readonly stored: StoredValue; readonly meta: Metadata }
  /** The chunks that the manifest names are in the store already, or at the Stargate. */
  | { readonly op: 'set'; readonly key: string; readonly manifest: Manifest; readonly meta: Metadata }
  | { readonly op: 'del'; readonly key: string };

/** A value that needs no writing; `size` in bytes. */
export interface StoredValue {
  readonly oid: Oid;
  readonly size: number;
}

/** An operation with its places in the trees. After loading, the edits know what was there before. */
interface PlannedOperation {
  readonly op: Operation;
  readonly data: FileEdit;
  readonly manifest: FileEdit;
  readonly meta: FileEdit;
}

/** Puts an operation's files into the ledger's edits, its chunks into the chunks', and its blobs into `objects`. */
export function planOperation(
  op: Operation,
  ns: string,
  namer: ObjectNamer,
  ledger: PathEdits,
  chunks: PathEdits,
  objects: NewObject[],
): PlannedOperation {
  const place = placeOf(op.key, namer.hasher);
  const blob = (body: Uint8Array): Oid => {
    const object = namer.object('blob', body);
    objects.push(object);
    return object.oid;
  };
  const put = (dirs: readonly string[], name: string, oid: Oid | null): FileEdit => {
    const edit: FileEdit = { mode: MODE_FILE, oid, previous: null };
    ledger.put(dirs, name, edit);
    return edit;
  };
  const dataDirs = ['kv', ns, 'data', ...place.shards];
  const planned = {
    op,
    data: put(dataDirs, place.urlsafe, inlineBlob(op, blob)),
    manifest: put(
      dataDirs,
      place.urlsafe + MANIFEST_SUFFIX,
      op.op === 'set' && 'manifest' in op ? blob(encodeManifest(op.manifest)) : null,
    ),
    meta: put(
      ['kv', ns, 'meta', ...place.shards],
      place.urlsafe + META_SUFFIX,
      op.op === 'set' ? blob(encodeMetadata(op.meta)) : null,
    ),
  };
  if (op.op === 'set' && 'manifest' in op) {
    for (const { digest, blob: oid } of op.manifest.chunks) {
      chunks.put(chunkDirs(ns, digest), digest, { mode: MODE_FILE, oid, previous: null });
    }
  }
  return planned;
}

function inlineBlob(op: Operation, blob: (body: Uint8Array) => Oid): Oid | null {
  if (op.op === 'del' || 'manifest' in op) return null;
  return 'stored' in op ? op.stored.oid : blob(op.value);
}

/** Whether the operation leaves the ledger other than it was. */
export function changesLedger({ data, manifest, meta }: PlannedOperation): boolean {
  return data.previous !== data.oid || meta.previous !== meta.oid || manifest.previous !== manifest.oid;
}

/** Whether a key that had a TTL is set without one. A key of `marked`, by its urlsafe form, had a TTL, or was not there. */
export function losesTtl({ op, meta }: PlannedOperation, marked: ReadonlySet<string>): boolean {
  return op.op === 'set' && op.meta.ttl === null && meta.previous !== null && marked.has(toUrlsafe(op.key));
}

/** Bytes of the value that an operation sets. */
export function sizeOf(op: Operation): number {
  if (op.op === 'del') return 0;
  if ('stored' in op) return op.stored.size;
  return 'value' in op ? op.value.length : op.manifest.totalSize;
}

/** What the index must say of the key afterwards. */
export function pointerOf({ op, data, manifest }: PlannedOperation): Pointer {
  return op.op === 'del' ? tombstone(op.key) : valuePointer(op.key, data.oid, manifest.oid, sizeOf(op), op.meta);
}

/** The pointer of a live key: to its value in the ledger, or to its manifest. `size` in bytes. */
export function valuePointer(key: string, data: Oid | null, manifest: Oid | null, size: number, meta: Metadata): Pointer {
  const type = data === null ? 'chunked' : 'inline';
  return { key, type, ledgerBlob: data, manifestBlob: manifest, size, ctype: meta.ctype, ttl: meta.ttl };
}
