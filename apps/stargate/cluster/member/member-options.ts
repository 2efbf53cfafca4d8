import type { ServerId } from '../../../../domain/gateway/replicate/entry.js';
import type { Timing } from '../../../../domain/gateway/replicate/machine.js';
import type { Clock } from '../../../../ports/clock.js';
import type { GitStore } from '../../../../ports/git/git-store.js';
import type { ObjectExchange } from '../../../../ports/git/object-exchange.js';
import type { Hasher } from '../../../../ports/hasher.js';
import type { DecisionLog } from '../../../../ports/stargate/decision-log.js';
import type { IntentRecord, Journal } from '../../../../ports/stargate/journal.js';
import type { LeaderLock } from '../../../../ports/stargate/leader-lock.js';
import type { Log } from '../../log/log.js';
import type { Candidate, Candidature } from './candidacy.js';
import type { PeerDispatch } from '../peers/dispatch.js';
import type { ReplicaFailpoint } from './failpoints.js';

/** What one server's part in the history of one repository takes. */
export interface MemberOptions {
  readonly dispatch: PeerDispatch;
  /** The repository's name in the cluster. */
  readonly repository: string;
  /** The first members, where this repository was in no cluster yet. */
  readonly founders: readonly ServerId[];
  /** This server has what the repository begins with, though that may be no ref yet. */
  readonly founds?: boolean;
  /** The server that the decision log lies on, where not all reach it. */
  readonly owner: ServerId;
  readonly store: GitStore;
  readonly exchange: ObjectExchange;
  readonly journal: Journal;
  readonly decisions: DecisionLog;
  readonly lock: LeaderLock;
  /** Enters for a lock that is held for many repositories; absent: the lock is this one's own. */
  readonly contend?: (candidate: Candidate) => Candidature;
  readonly hasher: Hasher;
  readonly clock: Clock;
  readonly log: Log;
  /** Deletes an object that nothing reaches any more. */
  readonly dropBlob?: ((oid: string) => Promise<void>) | undefined;
  /** Whether this server could serve what it leads: one that could not leaves the lock to others. True when absent. */
  readonly mayLead?: () => boolean;
  /** Told of each entry whose refs have moved here; null: all refs were replaced. */
  readonly applied?: (intent: IntentRecord | null) => void;
  readonly timing?: Timing;
  /** Milliseconds between ticks; the lock is tried for at every third. */
  readonly tickMs?: number;
  /** Called at each step, where a test may stop the process. */
  readonly failpoint?: (name: ReplicaFailpoint) => void;
}
