import type { Oid } from '../../../ports/vocabulary.js';

/** Who does something. Without a time it is the clock's, in UTC. */
export interface Person {
  readonly name: string;
  readonly email: string;
  readonly time?: number;
  /** Such as `+0200`. */
  readonly zone?: string;
}

/** Who did something, and when; the time in whole seconds of milliseconds. */
export interface Signature {
  readonly name: string;
  readonly email: string;
  readonly time: number;
  readonly zone: string;
}

/** A commit. */
export interface CommitInfo {
  readonly oid: Oid;
  readonly tree: Oid;
  readonly parents: readonly Oid[];
  readonly author: Signature;
  readonly committer: Signature;
  /** As it stands in the commit, with its final newline. */
  readonly message: string;
  readonly signed: boolean;
}

/** What a commit is made of besides its tree. */
export interface CommitRequest {
  readonly message: string;
  readonly author: Person;
  /** The author unless told otherwise. */
  readonly committer?: Person;
  /** Where the branch must be (null: nowhere yet); else `CAS_CONFLICT`. */
  readonly expect?: Oid | null;
  /** A commit with the tree of its parent is no error. */
  readonly allowEmpty?: boolean;
  /** The message is taken to the byte; else it is cleaned as `git commit -m` does it. */
  readonly verbatim?: boolean;
}

/** Which commits a log gives. */
export interface LogQuery {
  /** `HEAD` unless told otherwise. */
  readonly from?: string;
  /** Without what these reach. */
  readonly exclude?: readonly string[];
  /** Only commits that changed one of these files or something below one of these directories. */
  readonly paths?: readonly string[];
  /** Part of the author's `Name <email>`, in any case. */
  readonly author?: string;
  /** Part of the message, in any case. */
  readonly message?: string;
  /** Committed at or after, and at or before. */
  readonly since?: number;
  readonly until?: number;
  readonly firstParent?: boolean;
  readonly skip?: number;
  readonly limit?: number;
}

/** Commits, newest first; `total` counts those that `skip` and `limit` have left out too, up to a bound of 100,000. */
export interface Log {
  readonly commits: readonly CommitInfo[];
  readonly total: number;
}

/** A line with the commit that it is from. */
export interface BlamedLine {
  /** From 1. */
  readonly number: number;
  readonly content: string;
  readonly commit: CommitInfo;
  /** Where it stood in that commit, from 1. */
  readonly origin: number;
}
