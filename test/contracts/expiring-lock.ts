import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import type { LeaderLock, Lease } from '../../ports/index.js';
import type { LeaderLockBench } from './leader-lock.js';

/** A holder in a process of its own, which can be stopped and asked. */
export interface WatchedHolder {
  readonly term: number;
  /** Stops it where it stands (SIGSTOP). */
  pause(): void;
  /** Lets it go on (SIGCONT). */
  resume(): void;
  /** What its lease says when it is asked: whether it is held, and whether `lost` has fired. */
  ask(): Promise<{ readonly held: boolean; readonly lost: boolean }>;
  kill(): Promise<void>;
}

/** Views of a lock whose lease ends when its holder is not heard of for `takeoverMs`, although the holder lives. */
export interface ExpiringLockBench extends LeaderLockBench {
  watchedHolder(): Promise<WatchedHolder>;
  /** A contender whose way to the lock's medium can be cut; absent: there is no way between that could be. */
  openCut?(): Promise<{ readonly lock: LeaderLock; cut(): void; mend(): void }>;
}

/** What a lock does besides whose lease ends by time. */
export function expiringLockContract(name: string, factory: () => Promise<ExpiringLockBench>): void {
  describe(`leader-lock contract, leases that end by time: ${name}`, function () {
    this.timeout(60_000);
    let bench: ExpiringLockBench;
    let other: LeaderLock;

    beforeEach(async () => {
      bench = await factory();
      other = await bench.open();
    });
    afterEach(async () => {
      await other.close();
      await bench.dispose();
    });

    const taken = async (): Promise<Lease> => {
      for (const deadline = Date.now() + bench.takeoverMs + 30_000; Date.now() < deadline; await delay(10)) {
        const lease = await other.acquire('next');
        if (lease !== null) return lease;
      }
      throw new Error('the lock did not become free');
    };

    it('ends while its holder stands still, who says so as soon as it goes on', async () => {
      const holder = await bench.watchedHolder();
      expect(await holder.ask()).to.deep.equal({ held: true, lost: false });
      holder.pause();
      const next = await taken();
      expect(next.term).to.be.greaterThan(holder.term);
      // It was asked while it stood still: the question is the first thing that it meets.
      const answer = holder.ask();
      holder.resume();
      expect(await answer).to.deep.equal({ held: false, lost: true });
      expect([await next.held(), next.lost.aborted]).to.deep.equal([true, false]);
      await holder.kill();
    });

    it('is lost to a holder that is cut off before another can have it', async () => {
      if (bench.openCut === undefined) return expect(bench).to.not.have.property('openCut');
      const { lock, cut, mend } = await bench.openCut();
      const lease = await lock.acquire('cut off');
      if (lease === null) throw new Error('the lock was expected to be free');
      expect(await lease.held()).to.equal(true);
      cut();
      const asked = lease.held();
      const next = await taken();
      expect(lease.lost.aborted, 'when the other had it').to.equal(true);
      expect([await asked, await lease.held()]).to.deep.equal([false, false]);
      mend();
      expect(await lease.held(), 'what is lost stays lost').to.equal(false);
      await lock.close();
      return expect(await next.held()).to.equal(true);
    });
  });
}
