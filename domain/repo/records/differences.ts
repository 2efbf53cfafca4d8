import type { Oid } from '../../../ports/vocabulary.js';
import type { CommitInfo } from './commits.js';
import type { PathChange } from './files.js';

/** What stands in the staging area and not in the commit that HEAD names. */
export interface Status {
  /** The short name of the branch; null where HEAD is a commit. */
  readonly branch: string | null;
  readonly head: Oid | null;
  readonly staged: readonly PathChange[];
  readonly clean: boolean;
}

/** How a difference is shown. */
export interface DiffOptions {
  readonly paths?: readonly string[];
  /** Lines around a change; 3 unless told otherwise. */
  readonly context?: number;
}

/** The difference of two states: `text` is what `git diff` prints. */
export interface Diff {
  readonly from: Oid | null;
  readonly to: Oid;
  readonly changes: readonly PathChange[];
  readonly text: string;
}

/** How many lines a path has more and less; null for a binary file. */
export interface PathStat {
  readonly path: string;
  readonly added: number | null;
  readonly deleted: number | null;
}

/** A commit with what it changes against its first parent. */
export interface Shown {
  readonly commit: CommitInfo;
  readonly changes: readonly PathChange[];
  /** As `git diff` prints it. */
  readonly diff: string;
}
