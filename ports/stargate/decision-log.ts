/** What a cluster has decided last of a repository. */
export interface Head {
  /** How many entries its history has; 0 before the first. */
  readonly sequence: number;
  /** The term of the leader that has decided it, or has claimed it since. */
  readonly term: number;
  /** The digest of all tips and members after that entry. */
  readonly digest: string;
  /** The servers whose majority makes a quorum from here on. */
  readonly members: readonly string[];
}

/** A head as it stands in the log. */
export interface RecordedHead {
  readonly head: Head;
  /** Opaque: what the next decision compares. Never given to another head of this repository. */
  readonly revision: string;
}

/** One compare-and-put. */
export interface Decision {
  readonly head: Head;
  /** The revision that must be the newest; null: the repository must have no head yet. */
  readonly after: string | null;
  /** The lease's `fence`, for a log that compares the leader's lock too; without one, terms alone are compared. */
  readonly fence?: string;
}

/** What a decision log promises. */
export interface DecisionLogCapabilities {
  /** Every server of the cluster reads and writes it, so that another can take over; else only the host that it lies on does. */
  readonly shared: boolean;
  /** A decision also compares the leader's lock in the same step, so that a leader that has lost it can decide nothing any more. */
  readonly fenced: boolean;
  /** What was decided survives a power failure. */
  readonly durable: boolean;
}

/**
 * Where a cluster decides: one head a repository (`owner/name`), moved by compare-and-put. The put is the commit point of a write: before
 * it nothing has happened, after it nobody can undo it.
 *
 * Promised: `read` is linearizable, it sees each decision that ended before it began; of several decisions after one revision one
 * succeeds; a decision whose term is older than the head's never does.
 *
 * Not promised: that a decision that failed with `IO_ERROR` was not made, or won't be: the request may still be under way. Who asks
 * reads the head, or decides the very same again.
 */
export interface DecisionLog {
  readonly capabilities: DecisionLogCapabilities;
  /** The newest head; null before the first decision. Throws `IO_ERROR` when the log can't be reached, `INPUT_INVALID` for no name. */
  read(repository: string): Promise<RecordedHead | null>;
  /**
   * Moves the head; gives its revision once it is durable. Throws `CAS_CONFLICT` when another revision is the newest, `NOT_LEADER` when
   * the term is older than the head's or the fence does not hold any more: in both cases nothing was decided. `STORAGE_FULL` likewise;
   * after `IO_ERROR` nobody knows.
   */
  decide(repository: string, decision: Decision): Promise<string>;
  /** Forgets a repository whose newest revision is `after`, with the same refusals as `decide`. */
  remove(repository: string, after: string, fence?: string): Promise<void>;
  close(): Promise<void>;
}
