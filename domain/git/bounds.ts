/** How much is taken in at a time of trees and records that a stranger may have made. */
export interface Bounds {
  /** The most entries of one directory. */
  readonly treeEntries: number;
  /** The longest manifest that is parsed, bytes. */
  readonly manifestBytes: number;
  /**
   * Hears how much memory `what` takes from now on, in place of what it took before; bytes. Waits for room, or throws when there will
   * never be enough.
   */
  readonly charge?: (what: string, bytes: number) => Promise<void> | void;
  /** Lets others have their turn, between some megabytes of work. */
  readonly pause?: () => Promise<void>;
}

/** What a clone takes in of a side that it reads from. A Stargate takes no more unless its policy says so. */
export const READER_BOUNDS: Bounds = { treeEntries: 100_000, manifestBytes: 16 * 1024 * 1024 };
