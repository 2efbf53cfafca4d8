import type { NewObject } from '../../../ports/git/git-store.js';
import type { Oid } from '../../../ports/vocabulary.js';
import { type LedgerTrailers, renderChunksMessage, renderIndexMessage, renderLedgerMessage } from './attestation.js';
import { type Commit, encodeCommit, stamp } from '../../git/commit.js';
import { toUrlsafe } from '../value/key.js';
import type { ObjectNamer } from '../../git/object.js';
import { encodePointer, type Pointer, pointerMode } from '../value/pointer.js';
import { type PointerFile, updateIndex } from '../../index/update.js';
import { changesLedger, losesTtl, type Operation, planOperation, pointerOf, sizeOf } from './transaction-plan.js';
import { PathEdits, seal, type TreeReader } from '../../git/tree/tree-draft.js';
import { oidBytesIn } from '../../git/tree/tree.js';

export type { Operation } from './transaction-plan.js';

/** A ref's tip, opened. */
export interface TreeTip {
  readonly commit: Oid;
  readonly tree: Oid;
}

/** What a transaction is built on. A namespace that doesn't exist yet has nulls. */
export interface Base {
  readonly ledger: TreeTip | null;
  readonly index: TreeTip | null;
  /** The epoch's chunks; null while it has none. */
  readonly chunks: TreeTip | null;
  readonly epoch: string;
  readonly parentEpoch: string | null;
}

/** What building a transaction takes: the repository's trees, who writes, when, and under which id. */
export interface BuildContext {
  readonly store: TreeReader;
  readonly namer: ObjectNamer;
  readonly ns: string;
  /** `Name <mail>`. */
  readonly identity: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** A ULID. */
  readonly txn: string;
  /** The repository that it is for; absent or null: one without an id, or none that is known. */
  readonly repository?: string | null;
  /** The intent that it is made of; absent or null: its writer makes it. */
  readonly intent?: Oid | null;
  /** What the ledger commit's message says above its trailers; by default it counts the keys. */
  readonly subject?: string;
}

/** A transaction, but for the ledger commit's signature. */
export interface Draft {
  readonly txn: string;
  readonly ledgerCommit: Commit;
  readonly indexCommit: NewObject;
  readonly indexTree: Oid;
  /** Null when no chunk was added. */
  readonly chunksCommit: NewObject | null;
  readonly chunksTree: Oid | null;
  /** Every new object besides the ledger commit. */
  readonly objects: readonly NewObject[];
  readonly set: readonly string[];
  readonly del: readonly string[];
  /** Operations that change nothing: a key deleted that isn't there, a value set that is. */
  readonly unchanged: readonly string[];
  /** Keys that are set without a TTL, and had one before. */
  readonly lostTtl: readonly string[];
  /** Bytes of the values set. */
  readonly bytes: number;
}

/**
 * Builds one transaction: reads the touched trees, works out what changes, and gives every object to write.
 * With no operation that changes anything, `set` and `del` are empty and the caller decides whether to go on.
 */
export async function buildTransaction(context: BuildContext, base: Base, operations: readonly Operation[]): Promise<Draft> {
  const { store, namer, ns } = context;
  const oidBytes = oidBytesIn(namer.format);
  const objects: NewObject[] = [];
  const [edits, chunkEdits] = [new PathEdits(), new PathEdits()];
  const planned = operations.map((op) => planOperation(op, ns, namer, edits, chunkEdits, objects));
  const emptyTree = namer.object('tree', new Uint8Array(0));
  const from = base.ledger === null || base.ledger.tree === emptyTree.oid ? null : base.ledger.tree;
  const draft = await edits.load(store, from, oidBytes);
  const changed = planned.filter(changesLedger);
  const ledgerTree = seal(draft, namer, objects) ?? emptyTree.oid;
  if (ledgerTree === emptyTree.oid) objects.push(emptyTree);
  const pointers = new Map<string, PointerFile>();
  for (const item of changed) addPointer(pointerOf(item), namer, pointers, objects);
  const marked = new Set<string>();
  const indexTree = await updateIndex(store, namer, ns, base.index?.tree ?? null, pointers, objects, marked);
  const chunksTree = await addChunks(store, namer, base.chunks, chunkEdits, objects);

  const commit = (parent: TreeTip | null, tree: Oid, message: string): NewObject => {
    const object = namer.object('commit', encodeCommit(commitOn(context, parent?.commit ?? null, tree, message), namer.format));
    objects.push(object);
    return object;
  };
  const { txn } = context;
  const indexCommit = commit(base.index, indexTree, renderIndexMessage({ ns, txn, ledgerTree }));
  const chunksCommit = chunksTree === null ? null : commit(base.chunks, chunksTree, renderChunksMessage({ ns, txn }));
  const set = changed.filter(({ op }) => op.op === 'set').map(({ op }) => op.key);
  const del = changed.filter(({ op }) => op.op === 'del').map(({ op }) => op.key);
  const trailers: LedgerTrailers = {
    ns,
    txn,
    baseTree: base.ledger?.tree ?? null,
    indexTree,
    chunksTree,
    epoch: base.epoch,
    keysSet: set.length,
    keysDel: del.length,
    parentEpoch: base.parentEpoch,
    parentLedger: null,
    repository: context.repository ?? null,
    intent: context.intent ?? null,
  };
  const subject = context.subject ?? `kv: ${ns}: set ${set.length}, delete ${del.length}`;
  return {
    txn,
    ledgerCommit: commitOn(context, base.ledger?.commit ?? null, ledgerTree, renderLedgerMessage(subject, trailers)),
    indexCommit,
    indexTree,
    chunksCommit,
    chunksTree,
    objects,
    set,
    del,
    unchanged: planned.filter((item) => !changesLedger(item)).map(({ op }) => op.key),
    lostTtl: changed.filter((item) => losesTtl(item, marked)).map(({ op }) => op.key),
    bytes: changed.reduce((sum, { op }) => sum + sizeOf(op), 0),
  };
}

/** The ledger tree after operations (`base` null: there was none). Writes nothing. */
export async function ledgerTreeAfter(
  store: TreeReader,
  namer: ObjectNamer,
  ns: string,
  base: Oid | null,
  operations: readonly Operation[],
): Promise<Oid> {
  const [edits, objects]: [PathEdits, NewObject[]] = [new PathEdits(), []];
  for (const operation of operations) planOperation(operation, ns, namer, edits, new PathEdits(), objects);
  return seal(await edits.load(store, base, oidBytesIn(namer.format)), namer, objects) ?? namer.emptyTree();
}

/** The chunks tree with the new chunks in it, or null when there are none. */
async function addChunks(
  store: TreeReader,
  namer: ObjectNamer,
  base: TreeTip | null,
  edits: PathEdits,
  objects: NewObject[],
): Promise<Oid | null> {
  if (edits.empty) return null;
  const draft = await edits.load(store, base?.tree ?? null, oidBytesIn(namer.format));
  const tree = seal(draft, namer, objects);
  return tree === (base?.tree ?? null) ? null : tree;
}

/** Adds a pointer's blob to `objects` and its file to `pointers`. */
export function addPointer(pointer: Pointer, namer: ObjectNamer, pointers: Map<string, PointerFile>, objects: NewObject[]): void {
  const object = namer.object('blob', encodePointer(pointer));
  objects.push(object);
  pointers.set(toUrlsafe(pointer.key), { mode: pointerMode(pointer), oid: object.oid });
}

/** An unsigned commit, its author and committer the same. */
export function commitOn(
  context: Pick<BuildContext, 'identity' | 'now'>,
  parent: Oid | null,
  tree: Oid,
  message: string,
): Commit {
  const ident = stamp(context.identity, context.now);
  return { tree, parents: parent === null ? [] : [parent], author: ident, committer: ident, signature: null, message };
}
