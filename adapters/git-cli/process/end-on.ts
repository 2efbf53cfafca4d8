import { KvError } from '../../../ports/error.js';
import { endTree } from './process-tree.js';

/** A process, as far as ending it goes. */
interface Endable {
  readonly pid?: number | undefined;
  on(event: 'error' | 'exit', listener: () => void): unknown;
}

/**
 * Ends a process, and what it has started, when a signal fires, unless it has ended by itself; `failed` hears why (`INTERRUPTED`), before
 * that happens, and of its being over.
 */
export function endOn(
  signal: AbortSignal | undefined,
  child: Endable,
  failed: (error: KvError, over: Promise<void>) => void,
): void {
  if (signal === undefined) return;
  const end = (): void => {
    leave();
    failed(interrupted(), child.pid === undefined ? Promise.resolve() : endTree(child.pid));
  };
  const leave = (): void => signal.removeEventListener('abort', end);
  for (const event of ['error', 'exit'] as const) child.on(event, leave);
  signal.addEventListener('abort', end);
  if (signal.aborted) end();
}

/** Throws `INTERRUPTED` when the signal has fired: nothing is to be started any more. */
export function unlessEnded(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw interrupted();
}

/** What a call is told that was ended by its signal. */
export const interrupted = (): KvError => new KvError('INTERRUPTED', 'it was interrupted');
