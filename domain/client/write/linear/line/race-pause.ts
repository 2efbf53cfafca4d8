import type { Clone, WritingPorts } from '../../../clone/clone.js';

/** With jitter between them, this many lost races in a row mean that something else is wrong. */
export const MAX_ATTEMPTS = 30;
const FIRST_PAUSE_MS = 20;
const LAST_PAUSE_MS = 1500;
const MOST_DOUBLINGS = 4;

/** No pause is longer, however long an attempt takes. */
const LONGEST_PAUSE_MS = 15_000;

/**
 * Waits after a lost race, the longer the more have been lost before it; writers that met must not meet again. From the second on, pauses
 * are in units of what an attempt takes, `attemptMs`, as on an Ethernet: among many writers, shorter ones would have all of them lose to one
 * again and again.
 */
export async function pauseAfterRace(
  clone: Clone,
  { randomness }: WritingPorts,
  lostBefore: number,
  attemptMs: number,
): Promise<void> {
  const short = Math.min(FIRST_PAUSE_MS * 2 ** lostBefore, LAST_PAUSE_MS);
  const spread = lostBefore === 0 ? 0 : attemptMs * 2 ** Math.min(lostBefore - 1, MOST_DOUBLINGS);
  const longest = Math.max(short, Math.min(spread, LONGEST_PAUSE_MS));
  await clone.clock.sleep(Math.round((longest * (randomness.bytes(1)[0] as number)) / 255));
}
