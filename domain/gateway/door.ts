import type { GitStore } from '../../ports/git/git-store.js';
import type { Ordered } from '../git/wire/intent-frames.js';
import type { AcceptedPush, PushRequest, RecoveryReport } from './accept/push.js';
import type { SoundIntent } from './sequence/check-intent.js';
import type { IntentRequest } from './sequence/intent-request.js';

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
  /** Checks an intent by itself. Throws the KvError that its writer is to see. Holds nothing. */
  checkIntent(request: IntentRequest): Promise<SoundIntent>;
  /** Gives an intent its place in the ledger; resolves when it has it for good. Throws what the writer is to see. */
  order(sound: SoundIntent, request: IntentRequest): Promise<Ordered>;
  /** Releases the lock of a push that never reached its proc-receive step. Idempotent; no effect after `commit`. */
  abandon(accepted: AcceptedPush): void;
  /** Brings refs and journal to one state. Runs once after the lease was won, before the first push. */
  recover(): Promise<RecoveryReport>;
}
