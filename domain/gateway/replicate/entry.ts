import type { Head } from '../../../ports/stargate/decision-log.js';
import type { RefUpdate, WatchEvent } from '../../../ports/vocabulary.js';

/** A server's name within its cluster. */
export type ServerId = string;

/** A point of a repository's history. Two servers that name the same point have the same tips and members there. */
export interface Position {
  /** How many entries lead there. */
  readonly sequence: number;
  /** The digest of all tips and members. */
  readonly digest: string;
}

/** Where a server's refs stand. */
export interface Standing extends Position {
  readonly members: readonly ServerId[];
}

/** Where a server stands that has nothing of a repository yet, or has lost its disk. What the founder has at first is entry 0. */
export const NOTHING: Standing = { sequence: -1, digest: '', members: [] };

/** One step of a repository's history: what one commit moves. */
export interface Entry {
  /** The journal's id of it, a ULID. */
  readonly id: string;
  readonly sequence: number;
  /** The term of the leader that proposed it. */
  readonly term: number;
  /** Grows with each entry that is proposed in a term, so that what comes late replaces nothing newer. */
  readonly attempt: number;
  /** The digest that it builds on. */
  readonly before: string;
  /** The digest that it leads to. */
  readonly after: string;
  readonly updates: readonly RefUpdate[];
  readonly events: readonly WatchEvent[];
  /** The members from this entry on. */
  readonly members: readonly ServerId[];
}

/** The digest after moves, given the one before: the same on every server, or their tips differ. */
export type DigestAfter = (before: string, moves: readonly RefUpdate[]) => string;

/** The name under which the members are one of the tips: no ref can have it. */
const MEMBERS = 'members';

/** What the digest takes in of an entry: its moves of refs, and the move of the members where they change. */
export function movesOf(
  updates: readonly RefUpdate[],
  before: readonly ServerId[],
  after: readonly ServerId[],
): readonly RefUpdate[] {
  if (before === after) return updates;
  const [old, next] = [before.join(' '), after.join(' ')];
  return old === next ? updates : [...updates, { ref: MEMBERS, old: old || null, next }];
}

/** Whether a head is this very point. */
export const isAt = (head: Position, { sequence, digest }: Position): boolean =>
  head.sequence === sequence && head.digest === digest;

/** Where refs stand once an entry has moved them. */
export const standingAfter = ({ sequence, after, members }: Entry): Standing => ({ sequence, digest: after, members });

/** The newer of two heads. Of one sequence, a later term has claimed it since. */
export function newerHead(one: Head | null, other: Head): Head {
  if (one === null || other.sequence > one.sequence) return other;
  return other.sequence === one.sequence && other.term > one.term ? other : one;
}
