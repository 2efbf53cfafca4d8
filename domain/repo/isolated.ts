import type { Oid } from '../../ports/vocabulary.js';
import type {
  Candidate,
  Changes,
  CommitInfo,
  CommitRequest,
  Diff,
  DiffOptions,
  FileContent,
  ListedEntry,
  Log,
  LogQuery,
  PathChange,
  Person,
} from './types.js';

/** The records of what is isolated from everybody else: transactions and realities. */

/** A set of changes that becomes one commit, or nothing. */
export interface TransactionInfo {
  readonly id: string;
  /** The branch that it goes to. */
  readonly branch: string;
  /** The commit that it builds on; null for an empty branch. */
  readonly base: Oid | null;
  readonly createdAt: number;
  /** When it ends without further calls. */
  readonly expiresAt: number;
  readonly changes: number;
  readonly bytes: number;
}

/** What is wrong with a file. */
export interface Fault {
  readonly path: string;
  readonly message: string;
  readonly line?: number;
  /** The name of the check that found it, where it has one. */
  readonly check?: string;
}

/** Tells what is wrong with the files of a state that is not committed yet. */
export type Validator = (candidate: Pick<Candidate, 'changes' | 'read' | 'files'>) => Promise<readonly Fault[]>;

/** Whether a state that isn't committed yet may be. */
export interface Validation {
  readonly valid: boolean;
  readonly faults: readonly Fault[];
  /** Paths that others have changed since. */
  readonly conflicts: readonly string[];
}

/** An isolated line of commits that nobody else sees. */
export interface RealityInfo {
  readonly name: string;
  /** The commit that it parted from; null for an empty repository. */
  readonly base: Oid | null;
  /** Its newest commit. */
  readonly tip: Oid | null;
  readonly commits: number;
  readonly createdAt: number;
  /** What it alone holds, bytes. */
  readonly bytes: number;
}

/** Changes for a reality; each call is a commit of its own there. */
export interface RealityChanges extends Changes {
  readonly author: Person;
  readonly message?: string;
}

/** A state that can be read: a commit, a reality, a transaction. */
export interface View {
  readFile(path: string): Promise<FileContent>;
  list(path: string, options?: { readonly recursive?: boolean }): Promise<readonly ListedEntry[]>;
}

/** One transaction. All but `rollback` throw `EXPIRED` once it has timed out, `NOT_FOUND` once it has ended. */
export interface RepositoryTransaction extends View {
  info(): TransactionInfo;
  apply(changes: Changes): Promise<void>;
  changes(): Promise<readonly PathChange[]>;
  validate(validators?: readonly Validator[]): Promise<Validation>;
  /** Throws `CAS_CONFLICT` with `paths` among its details when another has changed one of them first: the transaction stays open. */
  commit(request: CommitRequest): Promise<CommitInfo>;
  rollback(): void;
}

/** One reality. */
export interface Reality extends View {
  info(): RealityInfo;
  apply(changes: RealityChanges): Promise<CommitInfo>;
  log(query?: LogQuery): Promise<Log>;
  /** Against where it parted, another reality, or a revision. */
  diff(against?: { readonly reality: string } | { readonly rev: string }, options?: DiffOptions): Promise<Diff>;
  changes(): Promise<readonly PathChange[]>;
  validate(validators: readonly Validator[]): Promise<Validation>;
}
