import type { Gateway } from '../../../domain/gateway/door.js';
import type { PushLimits } from '../../../domain/gateway/limits/push-limits.js';
import type { Turns } from '../../../domain/gateway/turns/turns.js';
import type { KvError } from '../../../ports/error.js';
import type { GitService } from '../../../ports/git/git-service.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { RepositoryHost } from '../../../ports/git/repository-host.js';
import type { ExecSession } from '../exec-session.js';
import type { Log } from '../log/log.js';
import type { DiskRoom } from '../repository/disk-room.js';
import type { PushFacts } from './push-line.js';

/** What became of a push, for metrics, log and housekeeping. */
export type PushOutcome =
  | { readonly kind: 'accepted'; readonly facts: PushFacts }
  | { readonly kind: 'rejected'; readonly error: KvError; readonly facts: PushFacts };

/** What serving pushes takes, while this Stargate leads. */
export interface ReceivePackOptions {
  readonly services: GitService;
  readonly host: RepositoryHost;
  readonly gateway: Gateway;
  readonly store: GitStore;
  /** Asked for each push. */
  readonly limits: PushLimits;
  /** Fires, with the KvError to refuse pushes with, when this Stargate leads no more. */
  readonly over: AbortSignal;
  /** Whose turn it is; undefined: nobody stands in line. */
  readonly turns?: Pick<Turns, 'admit' | 'begin' | 'held'>;
  readonly room: Pick<DiskRoom, 'lack' | 'require' | 'told'>;
  /** Called once for each push that announced something. */
  readonly onOutcome: (outcome: PushOutcome, session: ExecSession) => void;
  readonly log: Log;
}
