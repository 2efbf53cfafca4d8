import { toKvError } from '../../../ports/error.js';
import type { Log } from '../log/log.js';

/** What has been started, and how each part of it is stopped. */
export interface UndoStack {
  push(stop: () => Promise<void> | void): void;
  /** Stops everything, the last first; what fails is logged and keeps nothing else from being stopped. Idempotent, never throws. */
  undo(): Promise<void>;
}

/** An empty stack. */
export function undoStack(log: Log): UndoStack {
  const stops: (() => Promise<void> | void)[] = [];
  let undoing: Promise<void> | undefined;
  const undo = async (): Promise<void> => {
    for (let stop = stops.pop(); stop !== undefined; stop = stops.pop()) {
      try {
        await stop();
      } catch (error) {
        log.warn('stop.failed', { message: toKvError(error).message });
      }
    }
  };
  return {
    push: (stop) => void stops.push(stop),
    undo: () => (undoing ??= undo()),
  };
}
