import type { Oid } from '../../../ports/vocabulary.js';
import { nothingToDelete, otherBlob, otherTree } from '../../ledger/intent/conflicts.js';
import { pathsOf, placeOf } from '../../ledger/paths.js';
import type { Draft } from '../../ledger/transaction/transaction.js';
import type { Clone } from '../clone/clone.js';
import type { RequestedOperation } from './operations.js';
import type { Tip } from '../clone/tips.js';

/** What a writer believes the namespace to be like. */
export interface Expectations {
  /** The ledger's root tree that the writer has seen; a lost race is then `CAS_CONFLICT` instead of a retry. */
  readonly expectTree?: Oid;
  /** The blobs (of a chunked value: the manifest's) that keys must have; null: the key must not exist. */
  readonly expectBlobs?: ReadonlyMap<string, Oid | null>;
}

/** Throws `CAS_CONFLICT` unless the tip is as the writer believes. */
export async function checkExpectations(clone: Clone, ns: string, expected: Expectations, tip: Tip | null): Promise<void> {
  const { expectTree, expectBlobs } = expected;
  if (expectTree !== undefined && tip?.commit.tree !== expectTree) throw otherTree(ns, tip?.commit.tree ?? null, expectTree);
  if (expectBlobs === undefined) return;
  const keys = [...expectBlobs.keys()];
  const paths = keys.flatMap((key) => {
    const { data, manifest } = pathsOf(ns, placeOf(key, clone.hasher));
    return [data, manifest];
  });
  const found = tip === null ? [] : await clone.store.readPaths(tip.commit.tree, paths);
  keys.forEach((key, i) => {
    const actual = found[2 * i]?.oid ?? found[2 * i + 1]?.oid ?? null;
    const wanted = expectBlobs.get(key) ?? null;
    if (actual !== wanted) throw otherBlob(key, actual, wanted);
  });
}

/** Throws `NOT_FOUND` when a deletion has nothing to delete. */
export function requireDeleted(ns: string, draft: Draft, operations: readonly RequestedOperation[]): void {
  const deletions = new Set(operations.filter(({ op }) => op === 'del').map(({ key }) => key));
  const missing = draft.unchanged.filter((key) => deletions.has(key));
  if (missing.length > 0) throw nothingToDelete(ns, missing);
}
