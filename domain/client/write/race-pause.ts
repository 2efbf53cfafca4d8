import type { Clone, WritingPorts } from '../clone/clone.js';

/** With jitter between them, this many lost races in a row mean that something else is wrong. */
export const MAX_ATTEMPTS = 30;
const FIRST_PAUSE_MS = 20;
const LAST_PAUSE_MS = 1500;

/** Waits after a lost race, the longer the more have been lost before it; writers that met must not meet again. */
export async function pauseAfterRace(clone: Clone, { randomness }: WritingPorts, lostBefore: number): Promise<void> {
  const longest = Math.min(FIRST_PAUSE_MS * 2 ** lostBefore, LAST_PAUSE_MS);
  await clone.clock.sleep(Math.round((longest * (randomness.bytes(1)[0] as number)) / 255));
}
