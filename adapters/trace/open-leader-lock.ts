import type { LeaderLock, Lease, OpenAdapter, Tracing } from '../../ports/index.js';
import { type Traced, tracedCalls } from './traced.js';

/** A lock with a span around each call, those of its leases too. Owns `lock`. */
export function lockWithTrace(lock: LeaderLock, traced: Traced): LeaderLock {
  const leaseWithTrace = (lease: Lease): Lease => ({
    term: lease.term,
    lost: lease.lost,
    held: () => traced('held', () => lease.held()),
    release: () => traced('release', () => lease.release()),
  });
  return {
    get capabilities() {
      return lock.capabilities;
    },
    async acquire(holder) {
      const lease = await traced('acquire', () => lock.acquire(holder));
      return lease === null ? null : leaseWithTrace(lease);
    },
    holder: () => traced('holder', () => lock.holder()),
    close: () => lock.close(),
  };
}

/** Named under `wrap:` of a lock; while nothing is traced, nothing stands around it. */
export const open: OpenAdapter<undefined, LeaderLock> = async (_config, context) => {
  const lock = await context.get<LeaderLock>('leader-lock');
  const tracing = await context.get<Tracing>('tracing');
  return tracing.isOn ? lockWithTrace(lock, tracedCalls(tracing, 'leader-lock')) : lock;
};
