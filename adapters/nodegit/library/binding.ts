/** What is used of nodegit, which brings no types of its own and is absent where nobody has installed it. */

/** An object id; `tostrS` gives its hex digits. */
export interface LibraryOid {
  tostrS(): string;
}

/** An object as it lies in libgit2's memory. It is freed with the JavaScript object, by the garbage collector alone. */
export interface LibraryObject {
  size(): number;
  /** Git's number of the type: 1 commit, 2 tree, 3 blob, 4 tag. */
  type(): number;
  /** The content, to be copied: `size` bytes of it. */
  data(): { toBuffer(size: number): Buffer };
}

/** An object database: a folder of objects, and those behind it. */
export interface LibraryOdb {
  /** Null for an object that isn't there, and for one that is damaged. */
  read(oid: string): Promise<LibraryObject | null>;
  /** Puts another folder of objects behind this one; its own alternates are not followed. */
  addDiskAlternate(objectsFolder: string): Promise<number>;
}

/** An open repository. */
export interface LibraryRepository {
  odb(): Promise<LibraryOdb>;
  /** The Git directory, with a slash at its end. */
  path(): string;
  /** What all work trees share, with a slash at its end. */
  commondir(): string;
  /** 1 where history ends before it ends. */
  isShallow(): number;
  /** Lets go of what libgit2 has cached and opened for it. */
  cleanup(): Promise<void>;
}

/** A walk through commits, by committer time, newest first. */
export interface LibraryRevwalk {
  /** Begins at a commit. These two answer with libgit2's code: 0, or below it for an error. */
  push(oid: LibraryOid): number;
  /** Leaves out a commit and all that it reaches. */
  hide(oid: LibraryOid): number;
  /** The next so many; fewer at the end. */
  fastWalk(count: number): Promise<LibraryOid[]>;
}

/** Who a ref's log says has moved it. */
export interface LibrarySignature {
  name(): string;
}

/**
 * A transaction on refs. All but `create` happens at once, in JavaScript's own thread, and answers with libgit2's code: 0, or below
 * it for an error, whose words nodegit does not give.
 */
export interface LibraryTransaction {
  lockRef(ref: string): number;
  setTarget(ref: string, oid: string, signature: LibrarySignature, message: string): number;
  remove(ref: string): number;
  /** Moves what was set, and unlocks what was only locked. */
  commit(): number;
}

/** The library. */
export interface Nodegit {
  readonly Libgit2: {
    readonly OPT: { readonly ENABLE_FSYNC_GITDIR: number };
    opts(option: number, value: number): void;
  };
  readonly Oid: { fromString(hex: string): LibraryOid };
  readonly Odb: { open(objectsFolder: string): Promise<LibraryOdb> };
  readonly Repository: {
    openExt(path: string, flags: number, ceilingDirectories: string): Promise<LibraryRepository>;
    /** A repository without refs and configuration, around a database. */
    wrapOdb(odb: LibraryOdb): Promise<LibraryRepository>;
  };
  readonly Reference: {
    list(repository: LibraryRepository): Promise<string[]>;
    /** The id at the end of a ref that may be symbolic. */
    nameToId(repository: LibraryRepository, ref: string): Promise<LibraryOid>;
  };
  readonly Transaction: { create(repository: LibraryRepository): Promise<LibraryTransaction> };
  readonly Signature: { create(name: string, email: string, seconds: number, offset: number): LibrarySignature };
  readonly Revwalk: { create(repository: LibraryRepository): LibraryRevwalk };
  /** 1 when the first commit reaches the second; a commit doesn't reach itself. */
  readonly Graph: {
    descendantOf(repository: LibraryRepository, descendant: LibraryOid, ancestor: LibraryOid): Promise<number>;
  };
}
