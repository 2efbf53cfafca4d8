import type { NewObject } from '../../ports/git/git-store.js';
import type { Oid } from '../../ports/vocabulary.js';
import { encodeCommit, stamp } from '../git/commit.js';
import type { ObjectNamer } from '../git/object.js';
import { STARGATE_IDENTITY } from './transaction/watchlog.js';

/** What stays of an epoch when it is compacted away: that there was one of that label, and what its bundle holds. */
export interface CompactedEpoch {
  readonly v: 1;
  readonly ns: string;
  readonly epoch: string;
  /** The archive commit, which the bundle has under its ref. */
  readonly archive: Oid;
  /** ISO 8601 UTC with milliseconds, by the Stargate's clock. */
  readonly compacted: string;
}

/** The record as one line of JSON with a fixed key order. */
export function encodeCompacted({ ns, epoch, archive, compacted }: CompactedEpoch): string {
  return JSON.stringify({ v: 1, ns, epoch, archive, compacted });
}

/** The commit that `refs/kv-compacted/<ns>@<epoch>` points to: the record as its message, on the empty tree. */
export function compactedCommit(namer: ObjectNamer, record: CompactedEpoch): NewObject {
  const ident = stamp(STARGATE_IDENTITY, Date.parse(record.compacted));
  const commit = {
    tree: namer.emptyTree(),
    parents: [],
    author: ident,
    committer: ident,
    signature: null,
    message: `${encodeCompacted(record)}\n`,
  };
  return namer.object('commit', encodeCommit(commit, namer.format));
}
