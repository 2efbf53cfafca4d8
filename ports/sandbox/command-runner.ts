/** A file that a command finds in its folder. */
export interface CommandFile {
  /** Relative, by `/`, and never out of the folder: the caller has checked it. */
  readonly path: string;
  /** As Git has it: `100644`, `100755`, or `120000` for a symbolic link whose target is the content. */
  readonly mode: string;
  readonly content: Uint8Array;
}

/** How much a command may take. */
export interface CommandLimits {
  /** By the clock on the wall, milliseconds; it is ended then, with every process that it has started. */
  readonly time: number;
  /** Writable memory of each of its processes, bytes. */
  readonly memory: number;
  /** The largest file that it may write, bytes. */
  readonly fileSize: number;
  /** Files that each of its processes may have open. */
  readonly openFiles: number;
  readonly processes: number;
  /** What is kept of its output, bytes; the rest is read and dropped. */
  readonly output: number;
}

/** What is to be run. `argv` is the operator's: nothing of it comes from a client. */
export interface CommandRequest {
  /** A program by its path or by a name on the runner's own PATH, and its arguments. No shell reads them. */
  readonly argv: readonly [program: string, ...args: string[]];
  /** What lies in the folder that it is started in. The folder is its own, and gone afterwards. */
  readonly files: AsyncIterable<CommandFile> | Iterable<CommandFile>;
  readonly limits: CommandLimits;
  /** Ends it early, as its time does. */
  readonly signal?: AbortSignal | undefined;
}

/** How a command ended. */
export interface CommandResult {
  /** As a shell has it: 128 and the signal's number where one has ended it. */
  readonly exitCode: number;
  /** Its time was over. */
  readonly timedOut: boolean;
  /** From its start to its end, milliseconds: neither the files' way to the disk nor their removal is in it. */
  readonly duration: number;
  /** Both of its outputs as they came, UTF-8, without what would steer a terminal. */
  readonly output: string;
  /** More was said than is kept. */
  readonly truncated: boolean;
}

/** What the system lets a runner keep from its commands; it says so, and runs them all the same. */
export interface CommandIsolation {
  /** A user without any rights, of the command's own. */
  readonly user: boolean;
  /** No network, not even loopback's. */
  readonly network: boolean;
  /** No sight of other processes, and none of its own survives it. */
  readonly processes: boolean;
  /** No sight of the folders that the runner was told to hide. */
  readonly folders: boolean;
  /** Memory, files and processes are bounded. */
  readonly limits: boolean;
}

/**
 * Runs programs of the operator's on files of clients', of which nothing good is expected. A command gets no environment but a PATH, a
 * HOME that is its folder, and a locale; no input; and leaves nothing behind.
 *
 * Not promised: that a command can't read what every user of the machine may read, or that several don't slow each other down.
 */
export interface CommandRunner {
  readonly isolation: CommandIsolation;
  /**
   * Resolves once the command has ended and its folder is gone, however it ended. Throws `INPUT_INVALID` for a file that can't be laid
   * down, `CONFIG_INVALID` for a program that can't be started, `INTERRUPTED` when the signal fires, `BUSY` without processes to be had,
   * `IO_ERROR`, `STORAGE_FULL`.
   */
  run(request: CommandRequest): Promise<CommandResult>;
  /** Ends what still runs. */
  close(): Promise<void>;
}
