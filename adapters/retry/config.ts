import { IsInt, Max, Min } from 'class-validator';
import type { AdapterContext, Clock, Randomness } from '../../ports/index.js';
import { RETRY_DEFAULTS, type Retrying, retrying } from './retry.js';

/** How often is tried, and how long is waited; by default `RETRY_DEFAULTS`. */
export class Config {
  /** All tries together, the first included. */
  @IsInt()
  @Min(1)
  @Max(100)
  attempts = RETRY_DEFAULTS.attempts;

  /** The longest wait before the second try, milliseconds; it doubles with each further one. */
  @IsInt()
  @Min(0)
  @Max(60_000)
  firstMs = RETRY_DEFAULTS.firstMs;

  /** No wait is longer, milliseconds. */
  @IsInt()
  @Min(0)
  @Max(600_000)
  mostMs = RETRY_DEFAULTS.mostMs;
}

/** What tries again, with the profile's own clock and randomness. */
export async function retryingIn({ attempts, firstMs, mostMs }: Config, context: AdapterContext): Promise<Retrying> {
  const [clock, randomness] = await Promise.all([context.get<Clock>('clock'), context.get<Randomness>('randomness')]);
  return retrying({ attempts, firstMs, mostMs, clock, randomness });
}
