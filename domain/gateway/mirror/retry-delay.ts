import type { Clock, Randomness } from '../../../ports/clock.js';
import type { KvError } from '../../../ports/error.js';

const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 30_000;
/** Somebody else's writes don't go away by asking again soon. */
const DIVERGED_RETRY_MS = 10_000;

/** How long to wait after so many failures in a row, ms: what the host asks for, or ever longer, so that not all come at once. */
export function retryDelay(error: KvError, times: number, randomness: Randomness): number {
  const asked = error.details?.['retryAfterMs'];
  if (typeof asked === 'number' && asked > 0) return asked;
  if (error.code === 'SYNC_REFUSED') return DIVERGED_RETRY_MS;
  const base = Math.min(FIRST_RETRY_MS * 2 ** (times - 1), LAST_RETRY_MS);
  const jitter = (randomness.bytes(1)[0] as number) / 255;
  return Math.round(base * (0.5 + jitter / 2));
}

/** That the mirror does not take something, while it takes other things. */
export interface Refusal {
  readonly error: KvError;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly nextTry: number;
  /** How often in a row. */
  readonly times: number;
}

/** What waiting takes: a clock, and jitter. */
export interface RetryContext {
  readonly clock: Clock;
  readonly randomness: Randomness;
}

/** A refusal that follows the one before, if any. */
export function refusalAfter(before: Refusal | null, error: KvError, { clock, randomness }: RetryContext): Refusal {
  const at = clock.now();
  const times = (before?.times ?? 0) + 1;
  return { error, at, nextTry: at + retryDelay(error, times, randomness), times };
}
