import type { Oid } from '../../../ports/vocabulary.js';
import type { CommitRequest, Person } from './commits.js';

/** Why a path could not be merged. */
export interface MergeConflict {
  readonly path: string;
  /** `content`: both changed it; `delete`: one changed what the other removed; `add`: both added; `kind`: file against directory, or modes. */
  readonly kind: 'content' | 'delete' | 'add' | 'binary' | 'kind';
  readonly base: Oid | null;
  readonly ours: Oid | null;
  readonly theirs: Oid | null;
  /** The text with conflict markers, where it is text. */
  readonly merged?: Uint8Array;
}

/** What becomes of two histories. */
export interface MergeRequest extends Partial<Omit<CommitRequest, 'author'>> {
  /** What is merged. */
  readonly from: string;
  /** The branch that it goes into; the current one unless told otherwise. */
  readonly into?: string;
  readonly author: Person;
  /** `auto`: a commit only where it takes one. */
  readonly fastForward?: 'auto' | 'only' | 'never';
  /** Whose hunks win where both changed the same lines. */
  readonly favor?: 'ours' | 'theirs';
}

/** How a merge, a revert or a cherry-pick ended; with conflicts, nothing has changed. */
export type MergeResult =
  | { readonly status: 'up-to-date'; readonly commit: Oid }
  | { readonly status: 'fast-forward' | 'merged'; readonly commit: Oid; readonly old: Oid | null }
  | { readonly status: 'conflicts'; readonly conflicts: readonly MergeConflict[] };

/** Which commit a revert or a cherry-pick is about. */
export interface PickRequest {
  readonly commit: string;
  /** The branch that it goes onto; the current one unless told otherwise. */
  readonly onto?: string;
  /** The parent that a merge is seen from, from 1. */
  readonly mainline?: number;
  /** Who commits it; of a revert the author too. */
  readonly committer: Person;
  readonly message?: string;
  readonly expect?: Oid | null;
}
