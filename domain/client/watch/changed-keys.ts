import { KvError } from '../../../ports/error.js';
import type { Oid } from '../../../ports/vocabulary.js';
import { parseLedgerPath } from '../../ledger/paths.js';
import { SHARDS } from '../../ledger/tree-shapes.js';
import { diffTrees } from '../../git/tree/tree-diff.js';
import { readersWalk } from '../../git/untrusted.js';
import { type Clone, oidBytesOf } from '../clone/clone.js';
import { type LedgerCommit, readLedgerCommits } from '../clone/tips.js';

/** The keys that a transaction set and deleted, each list in the order of the keys' UTF-16. */
export interface ChangedKeys {
  readonly set: readonly string[];
  readonly del: readonly string[];
}

/** The keys of a transaction that changed none. */
export const NO_KEYS: ChangedKeys = { set: [], del: [] };

/** Whether an object is in this clone. */
async function isHere(clone: Clone, oid: Oid): Promise<boolean> {
  try {
    return (await clone.store.headers([oid]))[0] != null;
  } catch (error) {
    // In a partial clone that can only be read, git asks the remote all the same, and gives up altogether when that hasn't got it.
    if (KvError.is(error) && error.code === 'GIT_ERROR') return false;
    throw error;
  }
}

/** A ledger commit; undefined when it is neither in this clone nor to be had by git itself. */
export async function ledgerCommitHere(clone: Clone, oid: Oid): Promise<LedgerCommit | undefined> {
  return (await isHere(clone, oid)) ? (await readLedgerCommits(clone, [oid]))[0] : undefined;
}

/** What a ledger commit changed, told from its metadata alone; null when a tree isn't here, as in a shallow clone. */
export async function changedKeys(clone: Clone, ns: string, { commit, trailers }: LedgerCommit): Promise<ChangedKeys | null> {
  const { store, hasher } = clone;
  const before = trailers.baseTree === null ? null : await metaTree(clone, ns, trailers.baseTree);
  const after = await metaTree(clone, ns, commit.tree);
  if (before === undefined || after === undefined) return null;
  const set: string[] = [];
  const del: string[] = [];
  for await (const change of diffTrees(store, before, after, oidBytesOf(clone), readersWalk(SHARDS))) {
    const place = parseLedgerPath(`kv/${ns}/meta/${change.path}`, ns, hasher);
    if (place !== undefined) (change.after === null ? del : set).push(place.key);
  }
  return { set: set.sort(), del: del.sort() };
}

/** The metadata's tree; null when no key has any, undefined when the root tree isn't here. */
async function metaTree(clone: Clone, ns: string, root: Oid): Promise<Oid | null | undefined> {
  if (!(await isHere(clone, root))) return undefined;
  const [meta] = await clone.store.readPaths(root, [`kv/${ns}/meta`]);
  return meta?.oid ?? null;
}
