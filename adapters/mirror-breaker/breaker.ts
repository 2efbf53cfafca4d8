import CircuitBreaker from 'opossum';
import { type BreakerState, KvError, type MirrorTarget, type MirrorUpdate } from '../../ports/index.js';

/** When a breaker opens, and for how long. */
export interface BreakerOptions {
  /** How many pushes the window must hold before their failures count. */
  readonly volume: number;
  /** The breaker opens when more than this share of the pushes failed, in percent. */
  readonly threshold: number;
  /** The window's length, milliseconds. */
  readonly windowMs: number;
  /** How long it stays open before one push is let through, milliseconds. */
  readonly resetMs: number;
  readonly onState?: (state: BreakerState) => void;
}

/** Opens when more than half of at least three pushes of two minutes failed; tries again after 15 s. */
export const BREAKER_DEFAULTS: BreakerOptions = { volume: 3, threshold: 50, windowMs: 120_000, resetMs: 15_000 };

/**
 * A circuit breaker around `push`: while the mirror fails, pushes fail at once with `IO_ERROR` and `details.retryAfterMs`,
 * until one is let through to try. Only `IO_ERROR` and `INTERRUPTED` (the caller's patience ended) count: `SYNC_REFUSED`
 * and the like are answers of a healthy host. Owns `target`, and adds the extra `breaker`.
 */
export function withBreaker(target: MirrorTarget, options: Partial<BreakerOptions> = {}): MirrorTarget {
  const { volume, threshold, windowMs, resetMs, onState } = { ...BREAKER_DEFAULTS, ...options };
  const push = (updates: readonly MirrorUpdate[], signal?: AbortSignal): Promise<void> => target.push(updates, signal);
  const breaker = new CircuitBreaker(push, {
    timeout: false, // the caller's signal says how long a push may take
    errorThresholdPercentage: threshold,
    volumeThreshold: volume,
    rollingCountTimeout: windowMs,
    rollingPercentilesEnabled: false,
    resetTimeout: resetMs,
    errorFilter: (error: unknown) => KvError.is(error) && error.code !== 'IO_ERROR' && error.code !== 'INTERRUPTED',
  });
  let openedAt = 0;
  let lastFailure = 'no reason given';
  breaker.on('open', () => {
    openedAt = performance.now();
    onState?.('open');
  });
  breaker.on('halfOpen', () => onState?.('half-open'));
  breaker.on('close', () => onState?.('closed'));

  return {
    get capabilities() {
      return target.capabilities;
    },
    get label() {
      return target.label;
    },
    wraps: target,
    extras: {
      breaker: {
        get state(): BreakerState {
          if (breaker.opened) return 'open';
          return breaker.halfOpen ? 'half-open' : 'closed';
        },
      },
    },
    async push(updates, signal) {
      try {
        await breaker.fire(updates, signal);
      } catch (error) {
        const { code } = error as { code?: unknown };
        if (code === 'ESHUTDOWN') throw new KvError('IO_ERROR', `${target.label}: the mirror target is closed`, { cause: error });
        if (code !== 'EOPENBREAKER') {
          lastFailure = KvError.is(error) ? error.message : String(error);
          throw error;
        }
        const left = Math.ceil(openedAt + resetMs - performance.now());
        // Nothing left: another push is the one being tried.
        const retryAfterMs = left > 0 ? left : Math.min(resetMs, 1000);
        // With the reason, since this error takes the place of the last one wherever only that is shown.
        throw new KvError('IO_ERROR', `the mirror keeps failing, so no push is tried for now: ${lastFailure}`, {
          cause: error,
          details: { retryAfterMs },
          hint: 'pushing starts again by itself',
        });
      }
    },
    refs: (patterns, signal) => target.refs(patterns, signal),
    fetch: (pairs) => target.fetch(pairs),
    async close() {
      breaker.shutdown();
      await target.close();
    },
  };
}
