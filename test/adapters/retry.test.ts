import { expect } from 'chai';
import { LockPlace, openMemoryLock } from '../../adapters/lock-memory/open.js';
import { lockWithRetry } from '../../adapters/retry/open-leader-lock.js';
import { remoteWithRetry } from '../../adapters/retry/open-git-remote.js';
import { retrying, withRetry } from '../../adapters/retry/open.js';
import { openProfile, parseProfile } from '../../plugins/host/index.js';
import {
  type Clock,
  type GitRemote,
  KvError,
  type LeaderLock,
  type MirrorTarget,
  type Randomness,
  unwrap,
} from '../../ports/index.js';
import { gitRemoteContract } from '../contracts/git-remote.js';
import { leaderLockContract } from '../contracts/leader-lock.js';
import { mirrorTargetContract, thrownBy } from '../contracts/mirror-target.js';
import { memoryMirrorBench } from '../support/memory/mirror-bench.js';
import { memoryRemoteBench } from '../support/memory/remote-bench.js';

/** A clock that doesn't wait, and remembers for how long it should have; and dice that are always the same. */
function still(dice = 255): { waits: number[]; clock: Clock; randomness: Randomness } {
  const waits: number[] = [];
  const clock: Clock = {
    now: () => 0,
    sleep: async (ms, signal) => {
      if (signal?.aborted === true) throw new KvError('INTERRUPTED', 'stopped');
      waits.push(ms);
    },
  };
  return { waits, clock, randomness: { bytes: (count) => new Uint8Array(count).fill(dice) } };
}

mirrorTargetContract('retry around mirror-memory', async () => {
  const bench = await memoryMirrorBench('sha1');
  return { ...bench, target: withRetry(bench.target, retrying({ attempts: 3, firstMs: 1, mostMs: 2, ...still() })) };
});

gitRemoteContract('retry around remote-memory', async (format) => {
  const bench = memoryRemoteBench(format);
  return { ...bench, remote: remoteWithRetry(bench.remote, retrying({ attempts: 2, firstMs: 1, mostMs: 1, ...still() })) };
});

leaderLockContract('retry around lock-memory', async () => {
  const place = new LockPlace();
  const again = retrying({ attempts: 2, firstMs: 1, mostMs: 1, ...still() });
  return {
    takeoverMs: 0,
    open: async () => lockWithRetry(openMemoryLock(place), again),
    async holderProcess() {
      const lease = await openMemoryLock(place).acquire('holder process');
      return { term: lease?.term ?? 0, kill: async () => place.depose() };
    },
    depose: async () => place.depose(),
    dispose: async () => undefined,
  };
});

describe('retry', () => {
  /** Fails so many times, and counts. */
  const failing = (times: number, error: KvError = new KvError('IO_ERROR', 'no')) => {
    const work = {
      tries: 0,
      run: async (): Promise<number> => {
        work.tries++;
        if (work.tries <= times) throw error;
        return work.tries;
      },
    };
    return work;
  };

  it('tries again after IO_ERROR, waiting longer each time, evenly drawn, and never longer than allowed', async () => {
    for (const [dice, expected] of [
      [255, [100, 200, 300, 300]],
      [0, [0, 0, 0, 0]],
      [128, [50, 100, 151, 151]],
    ] as const) {
      const parts = still(dice);
      const work = failing(4);
      expect(await retrying({ attempts: 5, firstMs: 100, mostMs: 300, ...parts })(work.run)).to.equal(5);
      expect(parts.waits).to.deep.equal(expected);
    }
  });

  it('gives up with the last error when it has tried often enough', async () => {
    const work = failing(9);
    expect((await thrownBy(retrying({ attempts: 3, firstMs: 1, mostMs: 1, ...still() })(work.run))).code).to.equal('IO_ERROR');
    expect(work.tries).to.equal(3);
  });

  it('takes an answer for an answer, and an open breaker at its word', async () => {
    for (const error of [
      new KvError('SYNC_REFUSED', 'no'),
      new KvError('INTERRUPTED', 'no'),
      new KvError('IO_ERROR', 'later', { details: { retryAfterMs: 5000 } }),
    ]) {
      const work = failing(9, error);
      await thrownBy(retrying({ attempts: 3, firstMs: 1, mostMs: 1, ...still() })(work.run));
      expect(work.tries, error.code).to.equal(1);
    }
    const soon = failing(1, new KvError('IO_ERROR', 'soon', { details: { retryAfterMs: 1 } }));
    expect(await retrying({ attempts: 3, firstMs: 1, mostMs: 1, ...still() })(soon.run)).to.equal(2);
  });

  it('stops waiting when the signal fires', async () => {
    const work = failing(9);
    const error = await thrownBy(retrying({ attempts: 3, firstMs: 1, mostMs: 1, ...still() })(work.run, AbortSignal.abort()));
    expect([error.code, work.tries]).to.deep.equal(['INTERRUPTED', 1]);
  });

  it('sends a push of a clone, and asks for a lease, once', async () => {
    const again = retrying({ attempts: 3, firstMs: 1, mostMs: 1, ...still() });
    const [push, listRefs, acquire, holder] = [failing(9), failing(9), failing(9), failing(9)];
    const remote = remoteWithRetry({ push: push.run, listRefs: listRefs.run } as unknown as GitRemote, again); // what it asks for
    await thrownBy(remote.push('origin', [], { atomic: true }));
    await thrownBy(remote.listRefs('origin', 'read', []));
    const lock = lockWithRetry({ acquire: acquire.run, holder: holder.run } as unknown as LeaderLock, again); // what it asks for
    await thrownBy(lock.acquire('a'));
    await thrownBy(lock.holder());
    expect([push, listRefs, acquire, holder].map(({ tries }) => tries)).to.deep.equal([1, 3, 1, 3]);
  });

  it('stands around a breaker in a profile, which stays in sight', async () => {
    const text = `name: t
adapters:
  git-store: git-memory
  clock: clock-system
  randomness: clock-system
  mirror-target: { use: mirror-memory, wrap: [breaker, { use: retry, config: { attempts: 2, firstMs: 0 } }] }
`;
    const composition = await openProfile(await parseProfile(text, 'p.yaml'), { directory: '/nonexistent', env: {} });
    const target = await composition.get<MirrorTarget>('mirror-target');
    expect(unwrap(target, 'breaker')?.state).to.equal('closed');
    await composition.close();
  });
});
