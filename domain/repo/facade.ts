import type { ObjectFormat, Oid, RefName } from '../../ports/vocabulary.js';
import type { RefVerdict } from '../git/wire/push-report.js';
import type { Reality, RepositoryTransaction } from './isolated.js';
import type { IncomingPush } from './serve/push/take-push.js';
import type {
  BlamedLine,
  Branch,
  Changes,
  CommitInfo,
  CommitRequest,
  ContentMatch,
  ContentQuery,
  Diff,
  DiffOptions,
  FileContent,
  FilePut,
  ListedEntry,
  Log,
  LogQuery,
  MergeRequest,
  MergeResult,
  PathChange,
  PathStat,
  Person,
  PickRequest,
  RefEvent,
  RepositoryFacts,
  Shown,
  Status,
  Tag,
} from './types.js';

/**
 * An ordinary repository without a work tree. `openRepository` makes one on a store; it has to be the only one that moves the store's
 * refs, or go through `exclusive`.
 *
 * Errors by code: `NOT_FOUND` for a revision, path, branch, tag, transaction or reality that isn't there; `INPUT_INVALID` for a
 * path, name or message that can't be taken, and with the detail `reason: 'nothing-to-commit'` for a commit that changes nothing;
 * `CAS_CONFLICT` for a branch that has moved, a name that is taken, paths that others have changed (`paths` among the details);
 * `STORAGE_FULL` when a limit of memory or of a repository is reached, with nothing changed; `EXPIRED` for a transaction whose time
 * is over; `POLICY_VIOLATION` for a file, message or difference above its limit, and for what a check before the commit refuses.
 */
export interface Repository {
  readonly objectFormat: ObjectFormat;

  facts(): Promise<RepositoryFacts>;
  /** The commit that a revision names. */
  resolve(rev: string): Promise<Oid>;

  // The staging area, which belongs to HEAD.
  status(): Promise<Status>;
  add(...files: readonly FilePut[]): Promise<void>;
  /** Removes files, or directories with all below them. */
  remove(...paths: readonly string[]): Promise<void>;
  move(from: string, to: string): Promise<void>;
  stage(changes: Changes): Promise<void>;
  /** Takes staged changes back; all without paths. */
  unstage(...paths: readonly string[]): Promise<void>;
  /** A file as it is staged, or else as HEAD has it. */
  readStaged(path: string): Promise<FileContent>;
  /** The difference between HEAD and the staging area. */
  diffStaged(options?: DiffOptions): Promise<Diff>;
  commit(request: CommitRequest): Promise<CommitInfo>;
  /** A commit on a branch without the staging area. */
  commitChanges(branch: string, changes: Changes, request: CommitRequest): Promise<CommitInfo>;

  // States. `rev` is HEAD where it is left out.
  readFile(path: string, rev?: string): Promise<FileContent>;
  list(path: string, options?: { readonly rev?: string; readonly recursive?: boolean }): Promise<readonly ListedEntry[]>;
  log(query?: LogQuery): Promise<Log>;
  show(rev: string, options?: DiffOptions): Promise<Shown>;
  /** `from` null is the empty tree. */
  diff(from: string | null, to: string, options?: DiffOptions): Promise<Diff>;
  /** The paths that differ between two states, without their text. */
  changed(from: string | null, to: string): Promise<readonly PathChange[]>;
  diffStat(from: string | null, to: string, options?: DiffOptions): Promise<readonly PathStat[]>;
  blame(path: string, rev?: string): Promise<readonly BlamedLine[]>;

  // Refs.
  branches(): Promise<readonly Branch[]>;
  createBranch(name: string, from?: string): Promise<Branch>;
  /** Throws `INPUT_INVALID` for the current one; with `merged`, `CAS_CONFLICT` where HEAD doesn't reach it. */
  deleteBranch(name: string, options?: { readonly merged?: boolean }): Promise<void>;
  renameBranch(from: string, to: string): Promise<Branch>;
  tags(): Promise<readonly Tag[]>;
  /** With a message, an annotated tag. */
  createTag(name: string, target?: string, annotation?: { readonly message: string; readonly tagger: Person }): Promise<Tag>;
  deleteTag(name: string): Promise<void>;
  /**
   * Points HEAD to a branch, or with `detach` to a commit. Staged changes go along; `CAS_CONFLICT` names those that the other state
   * has differently, unless `force` drops all.
   */
  checkout(
    rev: string,
    options?: { readonly create?: boolean; readonly detach?: boolean; readonly force?: boolean },
  ): Promise<RepositoryFacts>;
  /** Moves the current branch; `hard` drops what is staged, `soft` stages what the commits had, `mixed` drops both. */
  reset(rev: string, mode?: 'soft' | 'mixed' | 'hard', expect?: Oid): Promise<Oid>;

  // Histories that come together.
  merge(request: MergeRequest): Promise<MergeResult>;
  mergeBases(a: string, b: string): Promise<readonly Oid[]>;
  revert(request: PickRequest): Promise<MergeResult>;
  cherryPick(request: PickRequest): Promise<MergeResult>;

  // Search and time.
  searchCommits(text: string, options?: Omit<LogQuery, 'message'>): Promise<Log>;
  searchFiles(glob: string, rev?: string): Promise<readonly ListedEntry[]>;
  searchContent(query: ContentQuery): Promise<readonly ContentMatch[]>;
  /** The newest commit of a revision that was committed at that time or before. Throws `NOT_FOUND` when there is none. */
  at(time: number, rev?: string): Promise<CommitInfo>;

  // Transactions and realities.
  begin(options?: { readonly branch?: string; readonly idle?: number }): Promise<RepositoryTransaction>;
  transaction(id: string): RepositoryTransaction;
  transactions(): readonly RepositoryTransaction[];
  /** All or none of these. */
  createRealities(names: readonly string[], from?: string): Promise<readonly Reality[]>;
  reality(name: string): Reality;
  realities(): readonly Reality[];
  /** Merges a reality into a branch, the current one unless told otherwise; it ends where that had no conflicts. */
  promote(name: string, request: Omit<MergeRequest, 'from'>): Promise<MergeResult>;
  dropReality(name: string): void;

  // For those who move refs by other ways.
  /** Takes a push or an import: gives what has become of each ref, once that is durable. Throws as `takePush` does. */
  take(push: IncomingPush): Promise<readonly RefVerdict[]>;
  /** Runs alone among everything that changes this repository: a push is taken inside. What has a turn of its own must not be awaited there. */
  exclusive<T>(change: () => Promise<T>): Promise<T>;
  /** Tells of refs that were moved inside `exclusive`. */
  moved(updates: readonly { readonly ref: RefName; readonly old: Oid | null; readonly next: Oid | null }[], reason: string): void;
  /** Hears of every ref that has moved, in order; gives what ends it. What a listener throws is the listener's. */
  watch(listener: (event: RefEvent) => void): () => void;
  /** Drops objects that nothing here needs any more, where the store can; gives how many bytes. */
  prune(): Promise<number>;
  /** Waits until nothing changes any more and all that was acknowledged is kept; transactions and realities end. */
  close(): Promise<void>;
}
