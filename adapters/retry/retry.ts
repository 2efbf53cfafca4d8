import { type Clock, KvError, type Randomness } from '../../ports/index.js';

/** How often something is tried, and how long is waited between. */
export interface RetryOptions {
  /** All tries together, the first included. */
  readonly attempts: number;
  /** The wait before the second try is anything up to this, milliseconds; it doubles with each further one. */
  readonly firstMs: number;
  /** No wait is longer than this, milliseconds. */
  readonly mostMs: number;
}

/** Three tries within about half a second. */
export const RETRY_DEFAULTS: RetryOptions = { attempts: 3, firstMs: 100, mostMs: 2000 };

/** What a wait takes. */
export interface RetryParts extends RetryOptions {
  readonly clock: Clock;
  readonly randomness: Randomness;
}

/** Runs what may be run again without harm until it succeeds, fails for good, or has been tried often enough. */
export type Retrying = <T>(work: () => Promise<T>, signal?: AbortSignal) => Promise<T>;

/**
 * Tries again after `IO_ERROR`, which is all that may pass by itself; not when the error says when it is of use again and that is later
 * than any wait here, as an open breaker's does. Waits are drawn evenly from zero up ("full jitter"), so that many who have failed
 * together don't come back together. A signal that fires ends the wait with `INTERRUPTED`.
 */
export function retrying({ attempts, firstMs, mostMs, clock, randomness }: RetryParts): Retrying {
  return async (work, signal) => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await work();
      } catch (error) {
        const longest = Math.min(mostMs, firstMs * 2 ** (attempt - 1));
        if (attempt >= attempts || !mayPass(error, longest)) throw error;
        await clock.sleep(Math.floor(fraction(randomness) * (longest + 1)), signal);
      }
    }
  };
}

function mayPass(error: unknown, longest: number): boolean {
  if (!KvError.is(error) || error.code !== 'IO_ERROR') return false;
  const after = error.details?.['retryAfterMs'];
  return typeof after !== 'number' || after <= longest;
}

/** From 0 up to, not including, 1. */
function fraction(randomness: Randomness): number {
  const [a = 0, b = 0, c = 0] = randomness.bytes(3);
  return ((a << 16) | (b << 8) | c) / 2 ** 24;
}
