import type { Span } from '../../../ports/tracing.js';
import type { Principal } from '../../access/principal.js';
import type { RefUpdate, WatchEvent } from '../../../ports/vocabulary.js';

/** A push as receive-pack tells it, before any of its objects is in the repository. */
export interface PushRequest {
  /** Whose key opened the connection. */
  readonly pusher: Principal;
  /** The client asked for all-or-nothing. */
  readonly atomic: boolean;
  readonly commands: readonly RefUpdate[];
  /** Throws what the pusher is to see who may not push any more. Asked once the lock is held, and again right before refs move. */
  readonly confirm?: () => void;
  /** The turn that it claims. */
  readonly turn?: string | undefined;
  /** What checking and committing it are a part of. */
  readonly span?: Span;
}

/** A push that passed every check and now holds the repository's commit lock: end it with `commit` or `abandon`. */
export interface AcceptedPush {
  readonly request: PushRequest;
  readonly events: readonly WatchEvent[];
}

/** What became of the intents that a crash left open. */
export interface RecoveryReport {
  readonly rolledForward: number;
  readonly rolledBack: number;
}
