/** What one process, and each one that it starts, may take. */
export interface ProcessBounds {
  /** Memory of its own, bytes: heap and stacks. What is mapped from files, such as packs, doesn't count. */
  readonly memory: number;
  /** Processor time, milliseconds. */
  readonly time: number;
}

/**
 * A command line that runs a program within bounds: a shell sets its own and becomes the program, since no system call of Node's sets
 * those of a child, and prlimit(1) isn't everywhere. Two numbers are all that goes into the shell's text. A system that knows one of the
 * bounds not, or has a lower one already, leaves it at that.
 */
export function boundedCommand(
  program: string,
  args: readonly string[],
  { memory, time }: ProcessBounds,
): readonly [string, ...string[]] {
  const kib = Math.max(1, Math.trunc(memory / 1024));
  const seconds = Math.max(1, Math.ceil(time / 1000));
  // The soft bound on time ends a process by a signal of its own, which is told; at the hard one it would be killed like by anybody.
  const bounds = [`-d ${kib}`, `-S -t ${seconds}`, `-H -t ${seconds + 5}`].map((bound) => `ulimit ${bound} 2>/dev/null; `);
  return ['sh', '-c', `${bounds.join('')}exec ${program} "$@"`, program, ...args];
}
