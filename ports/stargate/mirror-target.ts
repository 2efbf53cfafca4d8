import type { Layered } from '../unwrap.js';
import type { Oid, RefName } from '../vocabulary.js';

/** One ref to set at the mirror. */
export interface MirrorUpdate {
  readonly ref: RefName;
  /** `null` deletes; without `expected`, whatever is there. */
  readonly next: Oid | null;
  /**
   * Absent: the mirror takes it only as a fast-forward (or a creation).
   * Present: the mirror's ref must be exactly there (`null`: must not exist), and then any move is allowed.
   */
  readonly expected?: Oid | null;
}

/** What a mirror takes. */
export interface MirrorTargetCapabilities {
  /** A push lands whole or not at all. Without it, a watermark may be at the mirror before the ledger that it names. */
  readonly atomic: boolean;
  /** Refs outside refs/heads and refs/tags are taken. */
  readonly anyRef: boolean;
  /** It is the Stargate's repository itself: whatever is pushed is there already, nothing moves, and nothing is refused. */
  readonly sameRepository?: boolean;
}

/** A circuit breaker's: `open` while nothing is tried, `half-open` while one push tries whether the host is well again. */
export type BreakerState = 'closed' | 'open' | 'half-open';

/** What a mirror target, or what is wrapped around it, may offer besides the port. Read it with `unwrap`. */
export interface MirrorExtras {
  /** The circuit breaker in front of the host. */
  readonly breaker: { readonly state: BreakerState };
}

/**
 * The read host. Idempotent: pushing what is there already succeeds.
 * Throws `SYNC_REFUSED` when a ref at the mirror is not where it should be (somebody else wrote there),
 * `IO_ERROR` when the host can't be reached or asks for patience (`details.retryAfterMs` when it says how long), and `GIT_ERROR` when it
 * does not take what it was sent: `details.refs` where it names them, `details.content` where the same push would be refused for ever
 * (it is too large, say), `details.rewind` where it takes no move that is not a fast-forward, though the lease holds.
 * Two pushes, of different refs, may run at once.
 */
export interface MirrorTarget extends Layered<MirrorExtras> {
  readonly capabilities: MirrorTargetCapabilities;
  /** A name for people, without credentials. */
  readonly label: string;
  push(updates: readonly MirrorUpdate[], signal?: AbortSignal): Promise<void>;
  /** The mirror's refs that match the globs. */
  refs(patterns: readonly string[], signal?: AbortSignal): Promise<Map<RefName, Oid>>;
  /** Brings what the mirror has into the Stargate's repository, under the local names given, overwriting these. A ref that isn't there is `NOT_FOUND`. */
  fetch(pairs: readonly { readonly remoteRef: RefName; readonly localRef: RefName }[]): Promise<void>;
  close(): Promise<void>;
}
