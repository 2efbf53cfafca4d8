/** A held lease. */
export interface Lease {
  /** The fencing term: larger than every term granted before, over restarts too. */
  readonly term: number;
  /**
   * Opaque: what a decision log of the same service compares, so that this lease must still be held there at that very moment. Absent:
   * the lock is no part of such a service.
   */
  readonly fence?: string;
  /**
   * Fires when this process has noticed, or must assume, that it no longer holds the lease: at the latest before `held()` says so.
   * Then the lease stays lost. What the holder gives up itself, by `release` or by closing the lock, is no loss: it never fires then,
   * nor later. It says nothing of when others notice: a commit still asks `held()`.
   */
  readonly lost: AbortSignal;
  /** True while this process is the leader. A commit asks right before it moves refs. */
  held(): Promise<boolean>;
  /** Gives the lease up. Idempotent. */
  release(): Promise<void>;
}

/** What a lock promises. */
export interface LeaderLockCapabilities {
  /** Leadership moves between hosts, not only between processes of one host (or one shared volume). */
  readonly multiHost: boolean;
}

/**
 * Who may commit. At most one lease is held at a time; a holder that dies loses it without help.
 * Throws `IO_ERROR` when the lock's medium can't be reached, `STORAGE_FULL` when it has no room for the term, `CONFIG_INVALID` when the
 * medium and this side don't take each other for what they are.
 */
export interface LeaderLock {
  readonly capabilities: LeaderLockCapabilities;
  /** Tries once; `null` when another holds it. `holder` is a name for people, shown by `status`. */
  acquire(holder: string): Promise<Lease | null>;
  /** Who holds it, as far as can be told; `null` when nobody does. */
  holder(): Promise<{ readonly name: string; readonly term: number } | null>;
  close(): Promise<void>;
}
