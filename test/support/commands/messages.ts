/** A command line, and where it is typed. */
export interface CommandRequest {
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly input: Uint8Array;
}

/** What went to one of the outputs at once: standard output is 1, standard error 2. */
export type Printed = readonly [1 | 2, Uint8Array];

/** What it printed, in the order in which it did, and its exit code. */
export interface CommandReply {
  readonly code: number;
  readonly printed: readonly Printed[];
}
