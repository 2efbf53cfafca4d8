import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import type { LeaderLock, Lease } from '../../ports/index.js';

/** Several processes' views of one lock. */
export interface LeaderLockBench {
  /** Another contender for the same lock. */
  open(): Promise<LeaderLock>;
  /**
   * Starts a process of its own that acquires the lock; gives its term, and ends it by `kill -9`. A lock that lives in one process
   * has a holder that vanishes without giving up.
   */
  holderProcess(): Promise<{ readonly term: number; kill(): Promise<void> }>;
  /** Takes the lease away from a holder in this process that goes on living, as a pause or an accident does; the lock is free then. */
  depose(): Promise<void>;
  /** How long a dead holder may keep the lock, milliseconds. */
  readonly takeoverMs: number;
  dispose(): Promise<void>;
}

/** What every leader lock does. */
export function leaderLockContract(name: string, factory: () => Promise<LeaderLockBench>): void {
  describe(`leader-lock contract: ${name}`, function () {
    this.timeout(20_000);
    let bench: LeaderLockBench;
    let one: LeaderLock;
    let two: LeaderLock;

    beforeEach(async () => {
      bench = await factory();
      one = await bench.open();
      two = await bench.open();
    });
    afterEach(async () => {
      await one.close();
      await two.close();
      await bench.dispose();
    });

    const held = async (lease: Lease | null): Promise<Lease> => {
      if (lease === null) throw new Error('the lock was expected to be free');
      expect(await lease.held()).to.equal(true);
      return lease;
    };

    /** Tries until the lock is free. */
    const eventually = async (lock: LeaderLock): Promise<Lease> => {
      const deadline = Date.now() + bench.takeoverMs + 5000;
      for (;;) {
        const lease = await lock.acquire('next');
        if (lease !== null) return lease;
        if (Date.now() > deadline) throw new Error('the lock did not become free');
        await delay(10);
      }
    };

    it('is free at first', async () => {
      expect(await one.holder()).to.equal(null);
    });

    it('is held by one at a time, and says by whom', async () => {
      const lease = await held(await one.acquire('alpha'));
      expect(await two.acquire('beta')).to.equal(null);
      expect(await one.acquire('alpha again')).to.equal(null);
      expect(await two.holder()).to.deep.equal({ name: 'alpha', term: lease.term });
      expect(await one.holder()).to.deep.equal({ name: 'alpha', term: lease.term });
    });

    it('is free after release, which may be called twice', async () => {
      const lease = await held(await one.acquire('alpha'));
      await lease.release();
      await lease.release();
      expect(await lease.held()).to.equal(false);
      expect(await two.holder()).to.equal(null);
      const next = await held(await two.acquire('beta'));
      await lease.release();
      expect(await next.held(), 'an old release does not touch a new lease').to.equal(true);
    });

    it('grants terms that only grow, also across handles', async () => {
      const terms: number[] = [];
      for (const lock of [one, two, one, two, await bench.open()]) {
        const lease = await held(await lock.acquire('x'));
        terms.push(lease.term);
        await lease.release();
      }
      for (const [at, term] of terms.entries()) {
        expect(Number.isSafeInteger(term) && term > 0).to.equal(true);
        if (at > 0) expect(term).to.be.greaterThan(terms[at - 1] ?? 0);
      }
    });

    it('is given up by close', async () => {
      const lease = await held(await one.acquire('alpha'));
      await one.close();
      expect(await lease.held()).to.equal(false);
      await held(await eventually(two));
    });

    it('calls nothing lost that is held, or that its holder has given up', async () => {
      const released = await held(await one.acquire('alpha'));
      expect(released.lost.aborted).to.equal(false);
      await released.release();
      const closed = await held(await two.acquire('beta'));
      await two.close();
      await held(await eventually(one));
      for (const lease of [released, closed]) {
        expect(await lease.held()).to.equal(false);
        expect(lease.lost.aborted).to.equal(false);
      }
    });

    it('tells a holder of its loss, once, before it says that the lease is not held', async () => {
      const lease = await held(await one.acquire('alpha'));
      let told = 0;
      lease.lost.addEventListener('abort', () => (told += 1));
      await bench.depose();
      const next = await held(await eventually(two));
      expect(next.term).to.be.greaterThan(lease.term);
      expect(await Promise.all([lease.held(), lease.held()])).to.deep.equal([false, false]);
      expect(lease.lost.aborted).to.equal(true);
      await lease.release();
      expect(told).to.equal(1);
      expect([await next.held(), next.lost.aborted], 'the new lease is nobody’s loss').to.deep.equal([true, false]);
    });

    it('lets one of many contenders win', async () => {
      const locks = await Promise.all(Array.from({ length: 6 }, () => bench.open()));
      const leases = await Promise.all(locks.map((lock, at) => lock.acquire(`c${at}`)));
      expect(leases.filter((lease) => lease !== null)).to.have.length(1);
      await Promise.all(locks.map((lock) => lock.close()));
    });

    it('is freed by kill -9 of its holder, and the next term is larger', async () => {
      const holder = await bench.holderProcess();
      expect(await one.acquire('alpha')).to.equal(null);
      await holder.kill();
      const lease = await held(await eventually(one));
      expect(lease.term).to.be.greaterThan(holder.term);
    });
  });
}
