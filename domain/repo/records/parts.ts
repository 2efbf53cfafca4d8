import type { Clock, Randomness } from '../../../ports/clock.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { Hasher } from '../../../ports/hasher.js';
import type { ObjectFormat, Oid, RefName } from '../../../ports/vocabulary.js';
import type { Signature } from './commits.js';
import type { FileContent, ListedEntry, PathChange } from './files.js';

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
