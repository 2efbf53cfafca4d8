import type { Clock, Randomness } from '../../../ports/clock.js';
import type { KvError } from '../../../ports/error.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { Journal } from '../../../ports/stargate/journal.js';
import type { MirrorTarget } from '../../../ports/stargate/mirror-target.js';
import type { Oid, RefName } from '../../../ports/vocabulary.js';
import type { ReadersNotice } from './readers-notice.js';

/** What `status`, the metrics and the log are told. */
export interface MirrorObserver {
  enqueued(backlog: number): void;
  /** `lagMs`: from the oldest accepted transaction of the batch to now; `tookMs`: the push itself. */
  succeeded(outcome: {
    readonly transactions: number;
    readonly backlog: number;
    readonly lagMs: number;
    readonly tookMs: number;
  }): void;
  failed(error: KvError, backlog: number, retryInMs: number): void;
  /** How many namespaces, branches and tags the mirror does not take now. */
  refused(count: number): void;
  /** So many refs that the mirror had lost, or had as they were before, are there again. */
  restored(refs: number): void;
}

/** A look at whether the mirror is ahead of the Stargate. */
export interface MirrorLook {
  /** The namespaces of which it is, each with what a write to it is told. */
  readonly behind: ReadonlyMap<string, KvError>;
  /** Milliseconds until it is to be taken again; 0 when it is due. */
  readonly dueIn: number;
  /** Asks for the mirror's refs unless they were listed just now. Throws when the host is away. */
  look(signal: AbortSignal, there?: ReadonlyMap<RefName, Oid>): Promise<void>;
}

/** What the mirror's workers work with. */
export interface MirrorContext {
  readonly store: GitStore;
  readonly journal: Journal;
  readonly target: MirrorTarget;
  /** The way of branches and tags to the same mirror, where they have a connection, and a breaker, of their own; else `target`. */
  readonly branches?: MirrorTarget;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly observer: MirrorObserver;
  /** Taken at the start, before anything is pushed, and after each comparison. */
  readonly standing?: MirrorLook;
  /** Hears which namespaces are refused; absent: readers are not told. */
  readonly readers?: ReadersNotice;
  /** Called right before a push, and right before the journal is told of one: where a test may stop the process. */
  readonly failpoint?: (name: 'mirror-push' | 'mirror-pushed') => void;
}
