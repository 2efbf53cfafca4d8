import type { Clock } from '../../../ports/clock.js';

/** How somebody who waits is woken: by the time, by news, by the end. */
export class Nap {
  private called = false;
  private waker: () => void = () => undefined;

  /** There is news: ends the nap, or the next one before it begins. */
  wake(): void {
    this.called = true;
    this.waker();
  }

  /** News from before this moment has been seen. */
  forget(): void {
    this.called = false;
  }

  /** Waits so many milliseconds, or until the signal fires, or, unless `deaf`, until there is news that nobody has seen. */
  async take(clock: Clock, ms: number, signal: AbortSignal, deaf: boolean): Promise<void> {
    if (ms <= 0 || signal.aborted || (this.called && !deaf)) return;
    const nap = new AbortController();
    const stop = (): void => nap.abort();
    signal.addEventListener('abort', stop, { once: true });
    if (!deaf) this.waker = stop;
    try {
      await clock.sleep(ms, nap.signal);
    } catch (error) {
      if (!nap.signal.aborted) throw error; // woken up, which the caller's loop sees by itself
    } finally {
      this.waker = () => undefined;
      signal.removeEventListener('abort', stop);
    }
  }
}
