/** A Stargate's command line, and where it is typed. */
export interface ServingRequest {
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

/** Before the exit code, on a line of its own at the end of each output; nothing else prints such a character. */
export const END = '\0';
