import { KvError } from './error.js';
import { exhausted } from './grammar/git-words/exhausted.js';

/** A started process, as far as starting it goes: Node's `ChildProcess` is one. */
interface StartedChild {
  on(event: 'error', listener: (cause: Error) => void): unknown;
  /** Absent when there were no descriptors for it: Node then gives a process without any stream. */
  readonly stdio?: unknown;
}

/**
 * Starts a child process: the one way in which adapters do it. A process that can't be started is never an uncaught exception, whenever
 * Node tells of it: the listener is there before anything else touches the child, and a child without streams is not handed out.
 *
 * `spawn` calls Node's `spawn`. `failed` is told, at most once and after this has returned, of a child that could not be started after
 * all, such as one whose program is not there. Throws what `failed` would be told where that is known at once. Both are what `cannotStart`
 * makes of it, or else what `otherwise` gives.
 */
export function startChild<Child extends StartedChild>(
  program: string,
  spawn: () => Child,
  failed: (error: KvError) => void,
  otherwise: (cause: Error) => KvError,
): Child {
  const faulty = (cause: Error): KvError => cannotStart(program, cause) ?? otherwise(cause);
  let child: Child;
  try {
    child = spawn();
  } catch (cause) {
    throw faulty(cause as Error); // Node throws nothing but errors
  }
  const whole = child.stdio !== undefined;
  child.on('error', (cause) => {
    if (whole) failed(faulty(cause));
  });
  if (!whole) throw faulty(Object.assign(new Error(`spawn ${program} EMFILE`), { code: 'EMFILE', syscall: `spawn ${program}` }));
  return child;
}

/** `BUSY` for a process that can't be started for want of files, processes or memory; null for any other reason. */
export function cannotStart(program: string, cause: unknown): KvError | null {
  const what = exhausted(cause);
  if (what === null) return null;
  return new KvError('BUSY', `cannot start ${program}: ${what}`, {
    cause,
    hint: 'try again later; whoever runs it can raise its limits (ulimit -n, ulimit -u), or lower how much is taken at a time',
  });
}
