import { KvError, type LeaderLock, type Lease } from '../../ports/index.js';

interface Holding {
  readonly name: string;
  readonly term: number;
  readonly loss: AbortController;
}

/** What contenders for one lock share: the last term granted, and who holds the lease. */
export class LockPlace {
  private last = 0;
  private holding: Holding | null = null;

  /** The lease's holder; null while the lock is free. */
  get holder(): Holding | null {
    return this.holding;
  }

  /** Grants the next term; null while another holds the lease. */
  grant(name: string): Holding | null {
    if (this.holding !== null) return null;
    this.last += 1;
    this.holding = { name, term: this.last, loss: new AbortController() };
    return this.holding;
  }

  /** Frees the lock if it is held by this very holding. */
  free(holding: Holding): void {
    if (this.holding === holding) this.holding = null;
  }

  /** Takes the lease from whoever holds it, as happens to a holder that was paused for too long. */
  depose(): void {
    const deposed = this.holding;
    this.holding = null;
    deposed?.loss.abort();
  }
}

/** Another contender for the lock of a place. Its leases end with `close`, and all of them with the process. */
export function openMemoryLock(place: LockPlace): LeaderLock {
  const granted = new Set<Holding>();
  let closed = false;
  const giveUp = (holding: Holding): void => {
    granted.delete(holding);
    place.free(holding);
  };
  const lease = (holding: Holding): Lease => ({
    term: holding.term,
    lost: holding.loss.signal,
    held: async () => place.holder === holding,
    release: async () => giveUp(holding),
  });
  return {
    capabilities: { multiHost: false },

    async acquire(holder) {
      if (closed) throw new KvError('IO_ERROR', 'the lock in memory is closed', { hint: 'open another' });
      const holding = place.grant(holder);
      if (holding === null) return null;
      granted.add(holding);
      return lease(holding);
    },

    holder: async () => place.holder && { name: place.holder.name, term: place.holder.term },

    async close() {
      closed = true;
      for (const holding of [...granted]) giveUp(holding);
    },
  };
}
