import { KvError, type LeaderLock } from '../../ports/index.js';
import type { Etcd } from '../etcd-gateway/index.js';
import { type Grant, HeldLease } from './held-lease.js';
import { steadyClock } from './steady-clock.js';

/** Which key is the lock, and how long a holder that is gone keeps it. */
export interface EtcdLockOptions {
  /** The lock owns it: its `close` closes it. */
  readonly etcd: Etcd;
  /** The key. Whoever names the same contends for the same lock. */
  readonly key: string;
  /** Whole seconds; etcd grants no less than one and a half times its election timeout, rounded up. */
  readonly ttlSeconds: number;
  /** Milliseconds of a clock that nobody sets; absent: the machine's. */
  readonly now?: () => number;
}

/**
 * A lock that is one key of etcd, put under a lease by a transaction that compares that there is none. The term is the revision that made
 * the key, which only grows. Throws `CONFIG_INVALID` too, when etcd and this side don't take each other's certificates, or when the
 * key is there without a lease.
 */
export function openEtcdLock({ etcd, key, ttlSeconds, now = steadyClock() }: EtcdLockOptions): LeaderLock {
  const held = new Set<HeldLease>();
  let closed = false;

  /** Puts the key under a lease; gives the revision that made it, null when it is there already. */
  const put = async (id: string, holder: string): Promise<number | null> => {
    const { succeeded, revision, found } = await etcd.txn(
      { compare: [{ key, createRevision: 0 }], success: [{ put: key, value: holder, lease: id }], failure: [{ get: key }] },
      { repeatable: true }, // a second time finds the key of the first, under this lease
    );
    if (succeeded) return revision;
    const [there] = found;
    return there?.lease === id ? there.createRevision : null;
  };

  const grant = async (holder: string): Promise<Grant | null> => {
    const since = now();
    const { id, seconds } = await etcd.grant(ttlSeconds);
    // Whatever goes wrong from here on, what the transaction may have put goes with the lease.
    const giveUp = (): Promise<void> => etcd.revoke(id).catch(() => undefined); // it ends by itself
    try {
      const term = await put(id, holder);
      if (term !== null) return { key, id, term, ttlMs: seconds * 1000, since };
      await giveUp();
      return null;
    } catch (error) {
      await giveUp();
      throw error;
    }
  };

  return {
    capabilities: { multiHost: true },

    async acquire(holder) {
      if (closed) throw new KvError('IO_ERROR', 'the lock in etcd is closed', { hint: 'open another' });
      const other = await etcd.get(key);
      if (other !== null) {
        if (other.lease !== '0') return null;
        throw new KvError('CONFIG_INVALID', `the key '${key}' of etcd was put by hand: it has no lease, so it never ends`, {
          hint: 'remove it with etcdctl, or name another key',
        });
      }
      const granted = await grant(holder);
      if (granted === null) return null;
      const lease = new HeldLease(etcd, granted, now, () => held.delete(lease));
      held.add(lease);
      if (!closed) return lease;
      await lease.release();
      return null;
    },

    async holder() {
      const found = await etcd.get(key);
      return found === null ? null : { name: found.value, term: found.createRevision };
    },

    async close() {
      closed = true;
      await Promise.all([...held].map((lease) => lease.release()));
      etcd.close();
    },
  };
}
