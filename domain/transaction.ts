import type { GitStore, NewObject } from '../ports/git-store.js';
import type { Oid } from '../ports/vocabulary.js';
import { type LedgerTrailers, renderIndexMessage, renderLedgerMessage } from './attestation.js';
import { type Commit, encodeCommit, stamp } from './commit.js';
import { MANIFEST_SUFFIX, META_SUFFIX, placeOf } from './ledger.js';
import { encodeMetadata, type Metadata } from './metadata.js';
import type { ObjectNamer } from './object.js';
import { encodePointer, type Pointer, pointerMode, tombstone } from './pointer.js';
import { type PointerFile, updateIndex } from './prefix-index.js';
import { MODE_FILE } from './tree.js';
import { type FileEdit, PathEdits, seal } from './tree-draft.js';
import { toUrlsafe } from './key.js';

/** One operation on one key, checked and complete. A batch has at most one for a key. */
export type Operation =
  | { readonly op: 'set'; readonly key: string; readonly value: Uint8Array; readonly meta: Metadata }
  | { readonly op: 'del'; readonly key: string };

/** What a transaction is built on. A namespace that doesn't exist yet has nulls. */
export interface Base {
  readonly ledger: { readonly commit: Oid; readonly tree: Oid } | null;
  readonly index: { readonly commit: Oid; readonly tree: Oid } | null;
  readonly epoch: string;
  readonly parentEpoch: string | null;
}

export interface BuildContext {
  readonly store: GitStore;
  readonly namer: ObjectNamer;
  readonly ns: string;
  /** `Name <mail>`. */
  readonly identity: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** A ULID. */
  readonly txn: string;
  /** The first line of the ledger commit's message; by default it counts the keys. */
  readonly subject?: string;
}

/** A transaction, but for the ledger commit's signature. */
export interface Draft {
  readonly txn: string;
  readonly ledgerCommit: Commit;
  readonly indexCommit: NewObject;
  /** Every new object besides the ledger commit. */
  readonly objects: readonly NewObject[];
  readonly set: readonly string[];
  readonly del: readonly string[];
  /** Operations that change nothing: a key deleted that isn't there, a value set that is. */
  readonly unchanged: readonly string[];
  /** Bytes of the values set. */
  readonly bytes: number;
}

interface Planned {
  readonly op: Operation;
  readonly data: FileEdit;
  readonly manifest: FileEdit;
  readonly meta: FileEdit;
}

/**
 * Builds one transaction: reads the touched trees, works out what changes, and gives every object to write.
 * With no operation that changes anything, `set` and `del` are empty and the caller decides whether to go on.
 */
export async function buildTransaction(context: BuildContext, base: Base, operations: readonly Operation[]): Promise<Draft> {
  const { store, namer, ns } = context;
  const oidBytes = namer.format === 'sha1' ? 20 : 32;
  const objects: NewObject[] = [];
  const edits = new PathEdits();
  const planned = operations.map((op) => plan(op, ns, namer, edits, objects));
  const emptyTree = namer.object('tree', new Uint8Array(0));
  const draft = await edits.load(
    store,
    base.ledger === null || base.ledger.tree === emptyTree.oid ? null : base.ledger.tree,
    oidBytes,
  );
  const changed = planned.filter(changes);
  const ledgerTree = seal(draft, namer, objects) ?? emptyTree.oid;
  if (ledgerTree === emptyTree.oid) objects.push(emptyTree);
  const pointers = new Map<string, PointerFile>();
  for (const item of changed) addPointer(pointerOf(item), namer, pointers, objects);
  const indexTree = await updateIndex(store, namer, ns, base.index?.tree ?? null, pointers, objects);
  const set = changed.filter(({ op }) => op.op === 'set').map(({ op }) => op.key);
  const del = changed.filter(({ op }) => op.op === 'del').map(({ op }) => op.key);
  const indexCommit = namer.object(
    'commit',
    encodeCommit(
      commitOn(context, base.index?.commit ?? null, indexTree, renderIndexMessage({ ns, txn: context.txn, ledgerTree })),
      namer.format,
    ),
  );
  objects.push(indexCommit);
  const trailers: LedgerTrailers = {
    ns,
    txn: context.txn,
    baseTree: base.ledger?.tree ?? null,
    indexTree,
    chunksTree: null,
    epoch: base.epoch,
    keysSet: set.length,
    keysDel: del.length,
    parentEpoch: base.parentEpoch,
    parentLedger: null,
  };
  const subject = context.subject ?? `kv: ${ns}: set ${set.length}, delete ${del.length}`;
  return {
    txn: context.txn,
    ledgerCommit: commitOn(context, base.ledger?.commit ?? null, ledgerTree, renderLedgerMessage(subject, trailers)),
    indexCommit,
    objects,
    set,
    del,
    unchanged: planned.filter((item) => !changes(item)).map(({ op }) => op.key),
    bytes: changed.reduce((sum, { op }) => sum + (op.op === 'set' ? op.value.length : 0), 0),
  };
}

function plan(op: Operation, ns: string, namer: ObjectNamer, edits: PathEdits, objects: NewObject[]): Planned {
  const place = placeOf(op.key, namer.hasher);
  const value = op.op === 'set' ? namer.object('blob', op.value) : null;
  const meta = op.op === 'set' ? namer.object('blob', encodeMetadata(op.meta)) : null;
  if (value !== null) objects.push(value);
  if (meta !== null) objects.push(meta);
  const dataDirs = ['kv', ns, 'data', ...place.shards];
  const put = (dirs: readonly string[], name: string, oid: Oid | null): FileEdit => {
    const edit: FileEdit = { mode: MODE_FILE, oid, previous: null };
    edits.put(dirs, name, edit);
    return edit;
  };
  return {
    op,
    data: put(dataDirs, place.urlsafe, value?.oid ?? null),
    manifest: put(dataDirs, place.urlsafe + MANIFEST_SUFFIX, null),
    meta: put(['kv', ns, 'meta', ...place.shards], place.urlsafe + META_SUFFIX, meta?.oid ?? null),
  };
}

function changes({ data, manifest, meta }: Planned): boolean {
  return data.previous !== data.oid || meta.previous !== meta.oid || manifest.previous !== manifest.oid;
}

function pointerOf({ op, data }: Planned): Pointer {
  return op.op === 'del' ? tombstone(op.key) : inlinePointer(op.key, data.oid as Oid, op.value.length, op.meta);
}

/** The pointer of a value that lies in the ledger itself. `size` in bytes. */
export function inlinePointer(key: string, blob: Oid, size: number, meta: Metadata): Pointer {
  return { key, type: 'inline', ledgerBlob: blob, manifestBlob: null, size, ctype: meta.ctype, ttl: meta.ttl };
}

/** Adds a pointer's blob to `objects` and its file to `pointers`. */
export function addPointer(pointer: Pointer, namer: ObjectNamer, pointers: Map<string, PointerFile>, objects: NewObject[]): void {
  const object = namer.object('blob', encodePointer(pointer));
  objects.push(object);
  pointers.set(toUrlsafe(pointer.key), { mode: pointerMode(pointer), oid: object.oid });
}

function commitOn(context: BuildContext, parent: Oid | null, tree: Oid, message: string): Commit {
  const ident = stamp(context.identity, context.now);
  return { tree, parents: parent === null ? [] : [parent], author: ident, committer: ident, signature: null, message };
}
