import type { ReadBounds } from './read-bounds.js';
import type { GitObject, ObjectFormat, ObjectHeader, ObjectType, Oid, RefName, RefUpdate } from '../vocabulary.js';

/** What an adapter can do, as data: the contract suite tests both branches. */
export interface GitStoreCapabilities {
  readonly objectFormats: readonly ObjectFormat[];
  /** `write` and `updateRefs` survive a power failure once they have resolved. */
  readonly durable: boolean;
  /** `history` can follow paths. */
  readonly pathHistory: boolean;
  /**
   * What `openQuarantine` takes: `given`, the path of a quarantine that git's receive-pack has filled; `new`, for null, an empty one
   * that is written to. What is not listed is `NOT_SUPPORTED`.
   */
  readonly quarantines: readonly ('given' | 'new')[];
  /** A partial clone: objects may have been left at its remote, and a read brings them. */
  readonly partial?: boolean;
  /** A shallow clone: the history of some ref may end here before it ends. */
  readonly shallow?: boolean;
}

/** An object to write. `oid` is the hash that the caller computed; a store may trust it. */
export interface NewObject {
  readonly oid: Oid;
  readonly type: ObjectType;
  readonly body: Uint8Array;
  /** An object that this one is much like, as a tree is the one that it was made of: a store may keep it as what differs. */
  readonly like?: Oid;
}

/** Which commits a history gives. */
export interface HistoryQuery {
  /** The commit to start at. */
  readonly tip: Oid;
  /** Only commits that changed one of these paths (slash-separated, from the root tree). */
  readonly paths?: readonly string[];
  /** Stop after this many. */
  readonly limit?: number;
  /** Leave out this commit and all that it can reach. */
  readonly exclude?: Oid;
  /** Ends the walk with `INTERRUPTED`. */
  readonly signal?: AbortSignal | undefined;
}

/** What `land` gives once everybody sees what it did. */
export interface Landed {
  /** Resolves when a power failure can't take it back; null where it is so already, or where nothing ever is durable. */
  readonly durable: Promise<void> | null;
}

/**
 * What a store has in memory, told without waiting: a promise for each look costs more than the look. Refs and HEAD are as `refs` and
 * `head` would tell them. Throws, as those do, once the store is closed.
 */
export interface AtHand {
  /** The object; null where it is not at hand, which doesn't say that `read` finds none. */
  object(oid: Oid): GitObject | null;
  /** Where a ref is; null where there is none. */
  tip(ref: RefName): Oid | null;
  /** What HEAD names. */
  head(): RefName | Oid;
  /** Does and throws what `land` does, where nothing of it is to be waited for; absent where something is. */
  land?(objects: readonly NewObject[], updates: readonly RefUpdate[], reason: string): void;
}

/**
 * The objects of a push before it is decided whether they are taken. Reads see them in front of the repository's, and its refs are
 * those of the repository; `updateRefs` and `openQuarantine` are `NOT_SUPPORTED`. Closing it drops what was not accepted, and leaves
 * the store open that it came from. It is to be closed before that one.
 */
export interface Quarantine extends GitStore {
  /**
   * Takes what was written here into the repository, where its store sees it when this resolves, durable where the adapter is; and
   * closes the quarantine. Refs are moved to its objects only afterwards. A failure may leave some of them there, which no ref
   * reaches. `NOT_SUPPORTED` for one that was given, as `write` is: receive-pack fills it and takes it over by itself.
   */
  accept(): Promise<void>;
}

/**
 * One repository's objects and refs.
 *
 * Promised: reads see every `write` and `updateRefs` of the same store that has resolved. Concurrent calls are allowed.
 * Not promised: that an object which no ref reaches stays; that two `write` calls land in the order they were made.
 * Throws `GIT_ERROR` when the repository is damaged and `IO_ERROR` when the disk fails.
 */
export interface GitStore {
  readonly capabilities: GitStoreCapabilities;
  readonly objectFormat: ObjectFormat;

  /** What is in memory. Absent where everything takes time. A view of a store that changes what is read changes this too. */
  readonly atHand?: AtHand;

  /**
   * Reads objects, in the order asked; `null` where there is none. Duplicates are allowed. In a partial clone, what the clone left
   * at its remote is brought first, all of one call over one connection; `readPaths` does the same. Throws `IO_ERROR` when that
   * remote can't be reached, or must not be (`GIT_NO_LAZY_FETCH` in the environment). With bounds, an object that exceeds them is
   * `POLICY_VIOLATION`, with its id as `object` among the details and `tooLarge`, before its body is in memory.
   */
  read(oids: readonly Oid[], bounds?: ReadBounds): Promise<(GitObject | null)[]>;

  /** Types and sizes of what is here, in the order asked, without reading bodies; `null` where there is none. Fetches nothing. */
  headers(oids: readonly Oid[]): Promise<(ObjectHeader | null)[]>;

  /**
   * Brings what a partial clone has left at its remote, over one connection, for reads to come. Does nothing in a complete clone, nor
   * for objects that nobody has. Throws as `read` does.
   */
  prefetch?(oids: readonly Oid[]): Promise<void>;

  /** Reads the objects at paths below a commit or tree; `null` where there is none. A path holds no NUL and no newline. Bounds as in `read`. */
  readPaths(root: Oid, paths: readonly string[], bounds?: ReadBounds): Promise<(GitObject | null)[]>;

  /**
   * Stores objects, all or none. Durable, where the adapter is, when it resolves. Objects that exist already are no error. The store may
   * keep the bodies as they are: nobody changes them afterwards. Throws `STORAGE_FULL` when a limit leaves no room.
   */
  write(objects: Iterable<NewObject> | AsyncIterable<NewObject>): Promise<void>;

  /**
   * Stores the objects of a pack, which may be deltas of what is here, held against what a fetch asks: each is named by its own hash, is sound,
   * and names nothing that is neither in the pack nor here. Durable and all or none as `write`. Throws `GIT_ERROR` for one that is not so,
   * `STORAGE_FULL`. Absent where the caller has to read it.
   */
  takePack?(pack: Uint8Array): Promise<void>;

  /** The refs whose names equal a pattern, or start with it when it ends in `/`. */
  refs(patterns: readonly string[]): Promise<Map<RefName, Oid>>;

  /**
   * Moves refs: all or none. Throws `CAS_CONFLICT` naming the ref when one is not at its `old`.
   * A crash of the machine in the middle may leave some moved; the caller's journal answers for that.
   */
  updateRefs(updates: readonly RefUpdate[], reason: string): Promise<void>;

  /**
   * Stores objects and moves refs in one step, all or none; throws as `write` and `updateRefs` do. It resolves when reads see it, which
   * is before it is durable where many that land at the same time are made so together. When making it durable fails, `durable` rejects,
   * and so does every later call that changes something, until the store is opened again. Absent where `write` and then `updateRefs` are
   * the only way.
   */
  land?(objects: readonly NewObject[], updates: readonly RefUpdate[], reason: string): Promise<Landed>;

  /** What HEAD names: a ref, which need not be there, or an object. Absent where a store knows none. */
  head?(): Promise<RefName | Oid>;

  /** Points HEAD to a branch, which need not be there, or to an object. Throws `INPUT_INVALID` for what is neither. */
  setHead?(target: RefName | Oid): Promise<void>;

  /**
   * Counts bytes that the caller holds for this repository against its limits, until the answer is called. Throws `STORAGE_FULL`. Absent
   * where there are no limits.
   */
  reserve?(bytes: number): () => void;

  /**
   * Drops objects from memory that neither a ref nor HEAD nor one of `keep` reaches, and any that can be read again from elsewhere; gives
   * how many bytes that freed. Nothing may be written meanwhile that isn't reached yet. Absent where objects take no memory.
   */
  prune?(keep: readonly Oid[]): Promise<number>;

  /**
   * Drops these objects from memory, whatever reaches them: the caller can read them elsewhere. Gives how many bytes that freed. Absent
   * where objects take no memory, or nobody has them elsewhere.
   */
  forget?(oids: readonly Oid[]): number;

  /** True when `ancestor` is `descendant` or can be reached from it through parents. False when either is unknown. */
  isAncestor(ancestor: Oid, descendant: Oid): Promise<boolean>;

  /** Commits from a tip back, newest first. */
  history(query: HistoryQuery): AsyncIterable<Oid>;

  /**
   * Makes later `history` calls with a path fast for what a commit reaches, where the store knows a way (Git: changed-path filters
   * in a commit-graph). Changes no answer. Never throws for want of permission or room: false when nothing was prepared.
   */
  prepareHistory?(tip: Oid): Promise<boolean>;

  /**
   * Opens a quarantine in front of this repository; the store itself sees nothing of it before it is accepted. `path` is what git's
   * receive-pack gives its hooks (`GIT_QUARANTINE_PATH`), null for a new, empty one. Throws `NOT_SUPPORTED` as the capabilities say,
   * `INPUT_INVALID` for a path that is no quarantine of this repository.
   */
  openQuarantine(path: string | null): Promise<Quarantine>;

  /** Ends child processes and releases files. The store is unusable afterwards. Idempotent. */
  close(): Promise<void>;
}
