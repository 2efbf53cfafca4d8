import type { Oid } from '../vocabulary.js';

/**
 * Keeps the object store of a host's repository small and quick to read. No call changes a ref.
 * Throws `GIT_ERROR` with git's words, `IO_ERROR` when git can't be run.
 */
export interface RepositoryUpkeep {
  /**
   * Rolls small packs up into larger ones, so that their number grows with the logarithm of the pushes, and each object is rewritten
   * as often. Drops nothing, so pushes may go on, and so may `dropLoose`; one after the other where several are asked for. Throws `INTERRUPTED` once the signal has fired; the repository is sound then too.
   */
  repack(signal?: AbortSignal): Promise<void>;

  /**
   * Has objects found as quickly in many packs as in one, where large ones have come since it last did; else does nothing. Pushes may go on,
   * and `repack` not. Never throws: each pack can be read without. Absent where that saves nothing.
   */
  indexPacks?(signal?: AbortSignal): Promise<void>;

  /** Remembers, over restarts, that refs are about to go and that their objects are to be dropped. Idempotent. */
  noteUnreachable(): Promise<void>;

  /** Whether `noteUnreachable` was called since the last `dropUnreachable`. */
  hasUnreachable(): Promise<boolean>;

  /**
   * Deletes the objects that no ref reaches, except those so young that an operator's own git may be about to point a ref at one; and
   * forgets what was noted. To be run while no push is at hand and no commit can be: a push that was validated against an object
   * which goes away here would land broken. Cut off in the middle, it has dropped nothing that a ref reaches.
   */
  dropUnreachable(): Promise<void>;

  /**
   * Deletes one object that the caller knows to be reached by nothing any more, where it has a file of its own; else it stays. While objects
   * are being packed, it goes afterwards. Absent where that saves nothing.
   */
  dropLoose?(oid: Oid): Promise<void>;

  /** Bytes of all objects on disk, reachable or not. */
  objectBytes(): Promise<number>;

  /** Bytes on disk of what some commits reach. Throws `GIT_ERROR` when one isn't here, `INPUT_INVALID` for what is no object id. */
  reachableBytes(tips: Iterable<Oid>): Promise<number>;
}
