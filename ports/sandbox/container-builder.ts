import type { CommandFile } from './command-runner.js';

/** What a build begins with. */
export interface ContainerBuildRequest {
  /** Whose it is, `[a-z0-9-]{1,64}`: builds may use the images of their own scope, and know of no others. */
  readonly scope: string;
  /** The build context; the definition is one of its files. */
  readonly files: AsyncIterable<CommandFile> | Iterable<CommandFile>;
  /** The definition's path in the context. */
  readonly definition: string;
  /** What the image is called, such as `app:1`. */
  readonly tag: string | null;
  /** Values for the definition's `ARG`s. */
  readonly args: Readonly<Record<string, string>>;
  /** Milliseconds; the build is ended then. */
  readonly time: number;
  /** Writable memory of each process, bytes. */
  readonly memory: number;
  /** Gets what the build says, as it says it, without what would steer a terminal. Never after the build has ended. */
  readonly log: (text: string) => void;
  /** Ends it early. */
  readonly signal: AbortSignal;
}

/** A container image. */
export interface BuiltImage {
  /** `sha256:` and 64 digits. */
  readonly id: string;
  /** What its layers take, bytes. */
  readonly size: number;
}

/** What the system lets a builder do. */
export interface ContainerBuilderCapabilities {
  /** Whether it can build at all. */
  readonly available: boolean;
  /** What to install where it can't; null where it can. */
  readonly missing: string | null;
  /** Whether builds reach a network, and so the images of registries. */
  readonly network: boolean;
}

/**
 * Makes container images of definitions (Dockerfiles) that clients have written. A build sees nothing of another scope's, and one that
 * fails leaves no image.
 */
export interface ContainerBuilder {
  readonly capabilities: ContainerBuilderCapabilities;
  /**
   * Throws `NOT_SUPPORTED` where nothing can be built, with a hint that says what to install; `INPUT_INVALID` for a definition that doesn't
   * build; `EXPIRED` when the time is over; `INTERRUPTED` when the signal fires; `IO_ERROR`, `STORAGE_FULL`.
   */
  build(request: ContainerBuildRequest): Promise<BuiltImage>;
  /** Whether the image of a build is still there. */
  has(scope: string, id: string): Promise<boolean>;
  /** Forgets an image; one that isn't there is no error. */
  remove(scope: string, id: string): Promise<void>;
  /** Forgets all images of a scope. */
  forget(scope: string): Promise<void>;
  /** Ends what still runs. Images stay. */
  close(): Promise<void>;
}
