/** Where a build is; `interrupted` is one that the server ended before it had. */
export type BuildState = 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled' | 'interrupted';

/** What is to be built. */
export interface BuildRequest {
  readonly definition: string;
  /** The folder that is the build's context; empty for all of the repository. */
  readonly context: string;
  readonly ref: string;
  readonly commit: string;
  readonly tag: string | null;
  readonly args: Readonly<Record<string, string>>;
}

/** One build. */
export interface Build extends BuildRequest {
  readonly id: string;
  readonly repository: string;
  readonly createdAt: number;
  /** Whether it is there after a restart, as its repository is. */
  readonly isKept: boolean;
  state: BuildState;
  startedAt: number | null;
  finishedAt: number | null;
  image: { readonly id: string; readonly size: number } | null;
  error: string | null;
}
