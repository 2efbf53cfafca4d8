import { IsInt, Max, Min } from 'class-validator';
import type { MirrorTarget, OpenAdapter } from '../../ports/index.js';
import { BREAKER_DEFAULTS, withBreaker } from './breaker.js';

export { BREAKER_DEFAULTS, type BreakerOptions, withBreaker } from './breaker.js';

/** When the breaker opens, and for how long; by default `BREAKER_DEFAULTS`. */
export class Config {
  /** How many pushes the window must hold before their failures count. */
  @IsInt()
  @Min(1)
  volume = BREAKER_DEFAULTS.volume;

  /** The breaker opens when more than this share of the pushes failed, in percent. */
  @IsInt()
  @Min(1)
  @Max(99)
  threshold = BREAKER_DEFAULTS.threshold;

  /** Milliseconds. */
  @IsInt()
  @Min(100)
  windowMs = BREAKER_DEFAULTS.windowMs;

  /** Milliseconds the breaker stays open before one push is let through. */
  @IsInt()
  @Min(1)
  resetMs = BREAKER_DEFAULTS.resetMs;
}

/** Named under `wrap:` of the port it guards: there, the context's `mirror-target` is the layer below. */
export const open: OpenAdapter<Config, MirrorTarget> = async (config, context) =>
  withBreaker(await context.get<MirrorTarget>('mirror-target'), config);
