import type { ObjectFormat, Oid, RefName } from '../vocabulary.js';

/** A bare repository to be made. */
export interface NewRepository {
  readonly objectFormat: ObjectFormat;
  /** The remote that leads to the mirror, kept in the repository's configuration; null where a plugin knows the way. */
  readonly mirror: {
    /** Its name, such as `github-origin`. */
    readonly remote: string;
    readonly url: string;
    /** The refspecs that a plain `git push` to it would use, for an operator. */
    readonly push: readonly string[];
  } | null;
}

/** What was not as this version makes it: hooks by file name, settings by name. */
export interface Upgraded {
  readonly hooks: readonly string[];
  readonly settings: readonly string[];
}

/** The newest commit that changed a file. */
export interface FileCommit {
  /** `Name <address>`. */
  readonly author: string;
  readonly oid: Oid;
}

/** A remote's refs, as it shows them. */
export interface RemoteListing {
  /** Without `HEAD` and without what a tag points to. */
  readonly refs: ReadonlyMap<RefName, Oid>;
  /** Where its HEAD points, such as `refs/heads/trunk`, whether that is there or not; null when it tells of none. */
  readonly head: RefName | null;
}

/** What is left of the disk that a repository lies on; bytes. A `size` of 0: it can't be told. */
export interface Room {
  /** What this process may still use. */
  readonly free: number;
  readonly size: number;
}

/** What a repository is besides its refs and objects. */
export interface RepositoryForm {
  readonly objectFormat: ObjectFormat;
  /** Where HEAD points; null when it points to no branch. */
  readonly head: RefName | null;
  /** The configuration, as text that `restore` takes. It may hold credentials. */
  readonly settings: string;
}

/**
 * One bare repository as its host keeps it: made, held to this version, cleared of what a crash left, and filled from a remote.
 * Its path is the directory that the adapter was opened for, where before `create` there is nothing yet.
 *
 * Promised: nothing but `create`, `restore` and the two `fetch…` changes what a reader of the repository sees.
 * Not promised: that two calls which change something may run at once. All but `check`, `hooksInPlace`, `room`,
 * `probeWriting`, `committerOf`, `listRemote` and `export` are for the holder of the lease.
 * Throws `IO_ERROR` when the disk fails or a program is missing, `STORAGE_FULL` when it has no room left, `GIT_ERROR` with its words when git says no.
 */
export interface RepositoryHost {
  /** Throws `CONFIG_INVALID` when the programs that this adapter runs are missing parts or too old. Needs no repository. */
  checkPrograms(): Promise<void>;

  /**
   * Makes the repository, with the hooks and settings of this version, HEAD at `refs/heads/main` and the empty tree in it. The
   * folder must be empty or absent: `CONFIG_INVALID` otherwise. Not atomic: after a failure, what is there is to be removed.
   */
  create(repository: NewRepository): Promise<void>;

  /**
   * Throws `CONFIG_INVALID` when there is no repository here that this process can read, or when one of its hooks was written by
   * somebody else. Hooks of another version of ours are no fault: `upgrade` is for them. Changes nothing.
   */
  check(): Promise<void>;

  /** How much room there is for the repository to grow. */
  room(): Promise<Room>;

  /**
   * Writes a little where the Stargate keeps its own files, makes it durable, and takes it away again: what `room` tells knows of no
   * quota. Throws `STORAGE_FULL`, `IO_ERROR`.
   */
  probeWriting(): Promise<void>;

  /** Whether the hooks are as this version writes them, and git will run them. False too when they can't be read. */
  hooksInPlace(): Promise<boolean>;

  /**
   * Brings hooks and settings to this version and tells what it changed. A setting that an operator has chosen stays, except where
   * pushes could go past the gateway with it. Idempotent. Throws `CONFIG_INVALID` for a hook that is somebody else's, or when
   * something can't be written.
   */
  upgrade(): Promise<Upgraded>;

  /**
   * Removes the locks that a killed git has left beside refs and configuration, which would refuse every later change. Waits for a
   * young one to grow old. Gives their names, relative to the repository.
   */
  unlock(): Promise<readonly string[]>;

  /**
   * Removes what cut-off pushes have left of their quarantines, if it is older than this; milliseconds. Zero is for when no push is
   * at hand. Gives how many were removed.
   */
  sweepQuarantines(olderThan: number): Promise<number>;

  /**
   * Makes a quarantine ready to be taken over: another push of the same pack, now or later, is not in its way. `path` is what git
   * gave its hook. Throws `GIT_ERROR` when that is no quarantine of this repository.
   */
  prepareQuarantine(path: string): Promise<void>;

  /**
   * The refs of a remote of this repository. Throws `IO_ERROR` when it can't be read, and `CONFIG_INVALID` with the detail
   * `objectFormat` when its objects are named by another hash than ours, which is found for a remote without refs too.
   */
  listRemote(remote: string): Promise<RemoteListing>;

  /**
   * Brings all refs of these kinds (`heads` for `refs/heads/*`) from a remote, under the same names, overwriting ours, with all that
   * they reach. Durable when it resolves. Throws as `listRemote` does.
   */
  fetchRemote(remote: string, kinds: readonly string[]): Promise<void>;

  /**
   * Who committed a file beside the repository last, such as a policy that is kept in Git: null where its folder is no Git work tree, or
   * the file is not as it was committed. Runs nothing that the work tree configures.
   */
  committerOf(path: string): Promise<FileCommit | null>;

  /**
   * Writes refs at these ids, wherever the repository's refs are by then, and all that they reach, into a new file; pushes may go on.
   * Without refs, no file is written. When it resolves the file is durable, and proven: it was read back, whole. Gives what else the
   * repository is. Throws `GIT_ERROR` when an id isn't here, `IO_ERROR` when the file can't be written.
   */
  export(file: string, refs: ReadonlyMap<RefName, Oid>): Promise<RepositoryForm>;

  /**
   * Makes the repository, as `create` does, from what `export` gave and wrote (`file` null: it had no refs); gives its refs. Throws
   * `CONFIG_INVALID` where something is, `GIT_ERROR` when the file is damaged. Not atomic, as `create`.
   */
  restore(file: string | null, form: RepositoryForm): Promise<ReadonlyMap<RefName, Oid>>;

  /** Points HEAD to a branch, which need not be there. Throws `INPUT_INVALID` for what is no branch. */
  setHead(branch: RefName): Promise<void>;
}
