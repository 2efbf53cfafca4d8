import type { LeaderLock, OpenAdapter } from '../../ports/index.js';
import { type Config, retryingIn } from './config.js';
import type { Retrying } from './retry.js';

export { Config } from './config.js';

/**
 * A lock of which who holds it is asked again. A lease is asked for once: one whose answer was lost may be held already, and what is
 * asked about it right before a commit must be told at once. Owns `lock`.
 */
export function lockWithRetry(lock: LeaderLock, again: Retrying): LeaderLock {
  return {
    get capabilities() {
      return lock.capabilities;
    },
    acquire: (holder) => lock.acquire(holder),
    holder: () => again(() => lock.holder()),
    close: () => lock.close(),
  };
}

/** Named under `wrap:` of a lock. */
export const open: OpenAdapter<Config, LeaderLock> = async (config, context) =>
  lockWithRetry(await context.get<LeaderLock>('leader-lock'), await retryingIn(config, context));
