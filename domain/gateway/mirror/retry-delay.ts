import type { Clock, Randomness } from '../../../ports/clock.js';
import type { KvError } from '../../../ports/error.js';

const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 30_000;
/** Somebody else's writes don't go away by asking again soon. */
const DIVERGED_RETRY_MS = 10_000;

/** What a host has read and refused, it refuses again, however large it is: it may change its mind, but not by being asked often. ms. */
const SAME_CONTENT_MS = 3_600_000;

/** How long to wait after so many failures in a row, ms: what the host asks for, or ever longer up to `last`, so that not all come at once. */
export function retryDelay(error: KvError, times: number, randomness: Randomness, last = LAST_RETRY_MS): number {
  const asked = error.details?.['retryAfterMs'];
  if (typeof asked === 'number' && asked > 0) return asked;
  if (error.code === 'SYNC_REFUSED') return DIVERGED_RETRY_MS;
  const base = Math.min(FIRST_RETRY_MS * 2 ** (times - 1), last);
  const jitter = (randomness.bytes(1)[0] as number) / 255;
  return Math.round(base * (0.5 + jitter / 2));
}

/** That the mirror does not take something, while it takes other things. */
export interface Refusal {
  readonly error: KvError;
  /** When it was refused last. Milliseconds since 1970, as the times below. */
  readonly at: number;
  /** When the first refusal of those in a row was. */
  readonly since: number;
  /** When something else may be tried in its place. */
  readonly nextTry: number;
  /** When the very same may be tried again: later than `nextTry` where what was sent is the reason. */
  readonly sameUntil: number;
  /** How often in a row. */
  readonly times: number;
}

/** What waiting takes: a clock, and jitter. */
export interface RetryContext {
  readonly clock: Clock;
  readonly randomness: Randomness;
}

/** A refusal that follows the one before, if any; `last` is the longest pause, ms. */
export function refusalAfter(before: Refusal | null, error: KvError, context: RetryContext, last = LAST_RETRY_MS): Refusal {
  const { clock, randomness } = context;
  const at = clock.now();
  const times = (before?.times ?? 0) + 1;
  const nextTry = at + retryDelay(error, times, randomness, last);
  const sameUntil = error.details?.['content'] === true ? Math.max(nextTry, at + SAME_CONTENT_MS) : nextTry;
  return { error, at, since: before?.since ?? at, nextTry, sameUntil, times };
}
