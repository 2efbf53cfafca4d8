import { randomFillSync } from 'node:crypto';
import type { OpenAdapter, Randomness } from '../../ports/index.js';

/** The operating system's random source. */
export function systemRandomness(): Randomness {
  return { bytes: (count) => randomFillSync(new Uint8Array(count)) };
}

/** Opens the machine's randomness. */
export const open: OpenAdapter<undefined, Randomness> = async () => systemRandomness();
