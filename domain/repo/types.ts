import type { Clock, Randomness } from '../../ports/clock.js';
import type { GitStore } from '../../ports/git/git-store.js';
import type { Hasher } from '../../ports/hasher.js';
import type { ObjectFormat, Oid, RefName } from '../../ports/vocabulary.js';

/**
 * The records of an ordinary repository without a work tree. Paths are slash-separated text from the root, without a leading or a
 * final slash; times are milliseconds since the epoch; a revision is a branch, a tag, `HEAD`, a full ref, an object id or eight or
 * more of its digits, with any number of `^`, `^N` and `~N` behind it. (A long file: it has records alone.)
 */

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

/** What an entry of a tree is. */
export type EntryMode = '100644' | '100755' | '120000' | '160000' | '40000';

/** A file of some state. */
export interface FileContent {
  readonly path: string;
  readonly oid: Oid;
  readonly mode: string;
  readonly content: Uint8Array;
}

/** An entry of a directory. */
export interface ListedEntry {
  readonly name: string;
  readonly path: string;
  /** `submodule` is a commit of another repository. */
  readonly type: 'file' | 'dir' | 'symlink' | 'submodule';
  readonly mode: string;
  readonly oid: Oid;
  /** Bytes of a file; 0 for anything else. */
  readonly size: number;
}

/** How a path differs between two states. */
export interface PathChange {
  readonly path: string;
  readonly status: 'added' | 'deleted' | 'modified' | 'type-changed';
  readonly oldMode: string | null;
  readonly newMode: string | null;
  readonly oldOid: Oid | null;
  readonly newOid: Oid | null;
}

/** What stands in the staging area and not in the commit that HEAD names. */
export interface Status {
  /** The short name of the branch; null where HEAD is a commit. */
  readonly branch: string | null;
  readonly head: Oid | null;
  readonly staged: readonly PathChange[];
  readonly clean: boolean;
}

/** A branch or a tag. */
export interface NamedRef {
  /** The short name. */
  readonly name: string;
  readonly ref: RefName;
  /** What the ref names: for an annotated tag, the tag object. */
  readonly oid: Oid;
  /** The commit that it leads to; null for a tag of something else. */
  readonly commit: Oid | null;
}

/** A branch as a listing shows it. */
export interface Branch extends NamedRef {
  readonly current: boolean;
}

/** A tag as a listing shows it. */
export interface Tag extends NamedRef {
  /** Of an annotated tag. */
  readonly message: string | null;
  readonly tagger: Signature | null;
}

/** A file to be put somewhere; a text is written as UTF-8. */
export interface FilePut {
  readonly path: string;
  readonly content: Uint8Array | string;
  /** `100644` unless told otherwise; `120000` is a symbolic link whose content is its target. */
  readonly mode?: '100644' | '100755' | '120000';
}

/** Changes to a state: what is put, what is removed (a directory with all below it), what is moved. Applied in the order remove, move, put. */
export interface Changes {
  readonly remove?: readonly string[];
  readonly move?: readonly { readonly from: string; readonly to: string }[];
  readonly put?: readonly FilePut[];
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

/** A line with the commit that it is from. */
export interface BlamedLine {
  /** From 1. */
  readonly number: number;
  readonly content: string;
  readonly commit: CommitInfo;
  /** Where it stood in that commit, from 1. */
  readonly origin: number;
}

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

/** Where a text stands. */
export interface ContentMatch {
  readonly path: string;
  readonly line: number;
  /** From 1, in characters. */
  readonly column: number;
  readonly content: string;
}

/** What is looked for in a state's files. */
export interface ContentQuery {
  readonly text: string;
  readonly rev?: string;
  /** Globs: `*` within a name, `**` across, `?`. */
  readonly paths?: readonly string[];
  readonly ignoreCase?: boolean;
  readonly limit?: number;
}

/** A change of a ref, told once it counts. */
export interface RefEvent {
  /** From 1, without gaps. */
  readonly sequence: number;
  readonly ref: RefName;
  readonly old: Oid | null;
  readonly next: Oid | null;
  /** What did it: `commit`, `merge`, `branch`, `reset`, … */
  readonly reason: string;
  readonly time: number;
}

/** What is about to be committed, for a check that may refuse it by throwing. */
export interface Candidate {
  readonly ref: RefName | null;
  readonly parents: readonly Oid[];
  readonly message: string;
  readonly author: Signature;
  readonly changes: readonly PathChange[];
  /** A file as it is about to be; null where it is not. */
  readonly read: (path: string) => Promise<FileContent | null>;
  /** All of the state, with its directories. */
  readonly files: () => Promise<readonly ListedEntry[]>;
}

/** Bounds of one repository. */
export interface RepositoryLimits {
  /** The longest path, bytes. */
  readonly pathBytes: number;
  readonly fileBytes: number;
  readonly messageBytes: number;
  /** Open transactions, and how many paths and bytes each may hold. */
  readonly transactions: number;
  readonly transactionPaths: number;
  readonly transactionBytes: number;
  /** How long a transaction may stay without a call, milliseconds. */
  readonly transactionIdle: number;
  readonly realities: number;
  /** The longest text that a difference gives, characters. */
  readonly diffText: number;
}

/** What a repository works with. */
export interface RepositoryParts {
  readonly store: GitStore;
  readonly hasher: Hasher;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly limits?: Partial<RepositoryLimits>;
  /** Asked before each commit, in the order given; what it throws refuses the commit. */
  readonly beforeCommit?: readonly ((candidate: Candidate) => Promise<void>)[];
}

/** The object format and everything else that callers do with a repository. Throws are of `KvError`; see `repository.ts`. */
export interface RepositoryFacts {
  readonly objectFormat: ObjectFormat;
  /** The branch that HEAD names, `refs/heads/main`, or a commit. */
  readonly head: RefName | Oid;
  readonly tip: Oid | null;
}
