import type { ObjectFormat, Oid, RefName } from '../vocabulary.js';

/** A bundle that is kept. */
export interface KeptBundle {
  readonly name: string;
  /** Where it lies, for people: they bring it back with `git fetch PLACE 'refs/*:refs/*'`. */
  readonly place: string;
  /** When it was written, milliseconds since 1970. */
  readonly written: number;
}

/**
 * Where a host's repository keeps, as Git bundles, what is dropped from its refs. A bundle's name is `[A-Za-z0-9._@-]+` and begins
 * with no dot or dash: `INPUT_INVALID` otherwise. Calls that write go one after another.
 * Throws `GIT_ERROR` with git's words, `IO_ERROR` when the disk fails.
 */
export interface BundleArchive {
  /** Where a bundle of this name lies or would. */
  place(name: string): string;

  /**
   * Writes refs of the repository and all that they reach as one bundle, and gives its size, bytes. When it resolves the bundle is
   * durable, and proven: it was fetched into an empty repository, whole. It is there under its name whole or not at all. One of the
   * same name is replaced when it holds the same refs at the same ids, else that is `CAS_CONFLICT`. Throws `GIT_ERROR` when the refs
   * are not where `refs` says.
   */
  write(name: string, format: ObjectFormat, refs: ReadonlyMap<RefName, Oid>): Promise<number>;

  has(name: string): Promise<boolean>;

  /** All that are kept, by name. */
  list(): Promise<readonly KeptBundle[]>;

  /** The refs that a bundle holds. Throws `NOT_FOUND` when there is none of this name, `GIT_ERROR` when it can't be read. */
  refs(name: string): Promise<ReadonlyMap<RefName, Oid>>;
}
