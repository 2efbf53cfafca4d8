import { interrupted } from '../../../domain/client/clone/calls/cancellation.js';

/** Work that is done one after the other, in the order in which it was asked for. */
export class Line {
  private last: Promise<void> = Promise.resolve();

  /** Does the work when all before it is done. A signal that fires before that has its turn passed over, with `INTERRUPTED`. */
  async take<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const before = this.last;
    let done = (): void => undefined;
    this.last = new Promise((resolve) => {
      done = resolve;
    });
    try {
      await turn(before, signal);
    } catch (error) {
      void before.then(done); // those behind still wait for those before
      throw error;
    }
    try {
      return await work();
    } finally {
      done();
    }
  }
}

function turn(before: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = (): void => reject(interrupted());
    if (signal.aborted) leave();
    signal.addEventListener('abort', leave);
    void before.then(() => {
      signal.removeEventListener('abort', leave);
      resolve();
    });
  });
}
