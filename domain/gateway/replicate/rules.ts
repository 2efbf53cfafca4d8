import type { Head } from '../../../ports/stargate/decision-log.js';
import { type Entry, isAt, type Position, type ServerId, type Standing } from './entry.js';
import type { Vote } from './messages.js';
import { type Ack, isQuorum } from './quorum.js';

/**
 * What the protocol's safety stands on, each rule by its name. docs/CLUSTER.md proves from these; the simulation breaks them one by one,
 * and must notice.
 */
export interface Rules {
  /** A leader of an older term than one that was seen gets no vote, and moves nothing. */
  isOldTerm(term: number, seen: number): boolean;
  /** Of two entries of one term, the one that was proposed later; a later term's always. */
  supersedes(entry: Entry, stored: Entry): boolean;
  /** Only what builds on everything that this server has is stored: so that a vote for an entry is one for all before it. */
  continues(entry: Entry, applied: Position): boolean;
  /** Refs move by what the decision log says was decided, and by nothing else. */
  isDecided(entry: Entry, head: Head): boolean;
  /** A stored entry is forgotten only when its leader, or a later one, has settled that it isn't decided. */
  isAborted(entry: Entry, term: number, head: Head, settled: number): boolean;
  /** A vote counts for the attempt, and the digest, that it names. */
  countsFor(vote: Vote, entry: Entry): boolean;
  /** A decision needs the votes of a majority of the configured servers, before and after. */
  isQuorum(votes: ReadonlySet<ServerId>, before: readonly ServerId[], after: readonly ServerId[], ack: Ack): boolean;
  /** A new leader serves, and claims the head, only where its own refs stand there. */
  holds(applied: Standing, head: Head): boolean;
  /** Only what a server has applied, or has stored and knows to be decided, is given to those that catch up. */
  maySend(entry: Entry, head: Head | null): boolean;
  /** A decision of which nothing was heard is no abort. */
  isInDoubt(result: 'moved' | 'fenced' | 'unknown'): boolean;
}

/** The rules. */
export const RULES: Rules = {
  isOldTerm: (term, seen) => term < seen,
  supersedes: (entry, stored) => entry.term !== stored.term || entry.attempt > stored.attempt,
  continues: (entry, applied) => entry.sequence === applied.sequence + 1 && entry.before === applied.digest,
  isDecided: (entry, head) => isAt(head, { sequence: entry.sequence, digest: entry.after }),
  isAborted: (entry, term, head, settled) =>
    entry.sequence > head.sequence && (entry.term < term || (entry.term === term && entry.attempt <= settled)),
  countsFor: (vote, entry) => vote.term === entry.term && vote.attempt === entry.attempt && vote.digest === entry.after,
  isQuorum,
  holds: isAt as (applied: Standing, head: Head) => boolean,
  maySend: (entry, head) => head !== null && RULES.isDecided(entry, head),
  isInDoubt: () => true,
};
