import type { GitStore } from '../../../ports/git-store.js';
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

/**
 * The gateway's one door. Both steps run in the same process; between them the commit lock is held, so a push
 * that would lose the race is refused while its objects are still in quarantine.
 */
export interface Gateway {
  /**
   * The pre-receive step. `quarantine` reads the pushed objects on top of the repository's.
   * Throws the KvError that the pusher is to see; then nothing is held. Waits for the lock.
   */
  validate(request: PushRequest, quarantine: GitStore): Promise<AcceptedPush>;
  /** The proc-receive step: journal, one ref transaction, journal. Releases the lock, also when it throws. */
  commit(accepted: AcceptedPush): Promise<void>;
  /** Releases the lock of a push that never reached its proc-receive step. Idempotent; no effect after `commit`. */
  abandon(accepted: AcceptedPush): void;
  /** Brings refs and journal to one state. Runs once after the lease was won, before the first push. */
  recover(): Promise<RecoveryReport>;
}
