import { parseDuration } from '../../ports/grammar/duration.js';
import { parseSize } from '../../ports/grammar/size.js';

const SHORTEST_MS = 1000;

/** Bytes of a size in the policy, which YAML may have read as a number; null when it is no size of at least one byte. */
export function readSize(value: unknown): number | null {
  const bytes = typeof value === 'string' || typeof value === 'number' ? parseSize(String(value)) : undefined;
  return bytes === undefined || bytes < 1 ? null : bytes;
}

/** Milliseconds of a duration in the policy; null when it is no duration of at least a second. */
export function readDuration(value: unknown): number | null {
  const ms = typeof value === 'string' ? parseDuration(value) : undefined;
  return ms === undefined || ms < SHORTEST_MS ? null : ms;
}
