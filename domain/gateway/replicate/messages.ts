import type { Head } from '../../../ports/stargate/decision-log.js';
import type { Entry, Position, Standing } from './entry.js';

/** The leader asks a server to store an entry. */
export interface Prepare {
  readonly kind: 'prepare';
  readonly entry: Entry;
  /** What was decided before it. */
  readonly head: Head;
}

/** The server holds the entry, synced. */
export interface Vote {
  readonly kind: 'vote';
  readonly term: number;
  readonly attempt: number;
  readonly sequence: number;
  /** Computed from the server's own tips. */
  readonly digest: string;
}

/** Why a server doesn't vote. */
export type RefusalReason = 'older-term' | 'stale' | 'behind' | 'digest' | 'diverged' | 'storage';

/** The server does not vote for an attempt, or not yet (`behind`). */
export interface Refuse {
  readonly kind: 'refuse';
  readonly reason: RefusalReason;
  /** The newest term that the server has seen. */
  readonly term: number;
  readonly attempt: number;
  /** Where its refs stand. */
  readonly at: Position;
}

/**
 * What the leader has decided last, and up to which attempt everything is settled: what is settled and not decided is aborted. Sent after
 * each decision, after each abort, and at times.
 */
export interface Outcome {
  readonly kind: 'outcome';
  readonly term: number;
  readonly head: Head;
  readonly settled: number;
}

/** Where a server stands: its answer to an outcome. */
export interface Report {
  readonly kind: 'report';
  readonly term: number;
  readonly at: Position;
  /** Why it counts for no quorum any more, or null. */
  readonly diverged: string | null;
}

/** A server asks for what was decided after its own position. */
export interface Fetch {
  readonly kind: 'fetch';
  readonly from: Position;
  /** Up to where it knows of. */
  readonly head: Head;
}

/** The entries after the position, in order; maybe not all. */
export interface Tail {
  readonly kind: 'tail';
  readonly head: Head | null;
  readonly entries: readonly Entry[];
}

/** The entries after that position are too many, or gone: all refs, as of this standing. */
export interface Snapshot {
  readonly kind: 'snapshot';
  readonly head: Head | null;
  readonly standing: Standing;
}

/** The asked server has nothing after that position. */
export interface Lacking {
  readonly kind: 'lacking';
  readonly head: Head | null;
}

/** The position is no part of the asked server's history. */
export interface Parted {
  readonly kind: 'parted';
  readonly head: Head | null;
  readonly from: Position;
}

/** The leader has given up the lock in favour of the server that gets this. */
export interface Stand {
  readonly kind: 'stand';
  readonly term: number;
}

/** What servers say to each other about one repository. */
export type Message = Prepare | Vote | Refuse | Outcome | Report | Fetch | Tail | Snapshot | Lacking | Parted | Stand;
