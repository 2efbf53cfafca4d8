import type { Direction } from './git-remote.js';

/**
 * When a clone last fetched, by remote, direction and key: a caller's label, such as a namespace.
 * It may forget: the worst that follows is a fetch too many.
 */
export interface FetchRecord {
  /** When a fetch for this key last succeeded, epoch ms; null if never. */
  lastFetch(remote: string, direction: Direction, key: string): Promise<number | null>;

  /** Records that a fetch for this key has just succeeded; `at` is the time now, epoch ms. */
  markFetched(remote: string, direction: Direction, key: string, at: number): Promise<void>;
}
