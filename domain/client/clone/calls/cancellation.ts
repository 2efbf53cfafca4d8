import type { Clock } from '../../../../ports/clock.js';
import { KvError } from '../../../../ports/error.js';
import type { RefUpdate } from '../../../../ports/vocabulary.js';

/** For so long after its caller has given up is a push that was begun waited for. Milliseconds. */
const GRACE_MS = 5000;

/**
 * What may end one call before it is done, and when it may not: from the first byte of a push until its answer, the answer counts, since
 * nobody could say otherwise whether the write has landed. A push that is not answered within 5 s of the signal is broken off.
 */
export class Cancellation {
  /** The movements of refs that were pushed, and of which nobody has said what became of them. */
  doubt: readonly RefUpdate[] | null = null;
  private late: AbortSignal | null = null;
  private hasLanded = false;

  constructor(readonly signal: AbortSignal) {}

  /** The signal that counts now; undefined when none does. */
  get active(): AbortSignal | undefined {
    return this.hasLanded ? undefined : (this.late ?? this.signal);
  }

  /** Throws `INTERRUPTED` when the call is to end. */
  check(): void {
    if (this.active?.aborted === true) throw interrupted();
  }

  /** Does a push; its movements are in doubt from then on, unless it lands or is refused. */
  async landing(clock: Clock, updates: readonly RefUpdate[], push: (signal: AbortSignal) => Promise<void>): Promise<void> {
    this.check();
    const late = after(clock, this.signal, GRACE_MS);
    this.late = late.signal;
    this.doubt = updates;
    try {
      await push(late.signal);
      this.hasLanded = true;
      this.doubt = null;
    } catch (error) {
      if (!KvError.is(error) || (error.code !== 'INTERRUPTED' && error.details?.['sent'] !== 'all')) this.doubt = null;
      throw error;
    } finally {
      late.stop();
      this.late = null;
    }
  }

  /** What landed stands; what the call does from now on may be ended again. */
  landed(): void {
    this.hasLanded = false;
  }
}

/** What a call is told that was ended by its signal. */
export function interrupted(): KvError {
  return new KvError('INTERRUPTED', 'the call was ended by its signal, or by the closing of its clone');
}

/** A signal that fires some time after another. */
function after(clock: Clock, signal: AbortSignal, ms: number): { readonly signal: AbortSignal; stop(): void } {
  const late = new AbortController();
  const over = new AbortController();
  const count = (): void =>
    void clock.sleep(ms, over.signal).then(
      () => late.abort(),
      () => undefined, // stopped before its time
    );
  if (signal.aborted) count();
  else signal.addEventListener('abort', count, { once: true });
  return {
    signal: late.signal,
    stop() {
      signal.removeEventListener('abort', count);
      over.abort();
    },
  };
}
