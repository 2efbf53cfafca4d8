import { toKvError } from '../../../ports/error.js';
import { MANY_PACKS } from '../../../ports/git/many-packs.js';
import type { RepositoryUpkeep } from '../../../ports/git/repository-upkeep.js';
import type { Log } from '../log/log.js';

/** Keeps the object store in shape between pushes. */
export interface Housekeeping {
  /** Runs a push, and housekeeping after it when that is due. */
  during<T>(push: () => Promise<T>): Promise<T>;
  /** Counts a commit, of a push or of all intents that were ordered together. */
  committed(): void;
  /**
   * Runs work while no push is at hand; new ones wait for its end. False, and the work is not done, when the pushes at hand take
   * longer than `patience` (milliseconds).
   */
  quietly(work: () => Promise<void>, patience: number): Promise<boolean>;
  /** Ends a repack that is at work and starts no other. */
  stop(): Promise<void>;
}

interface HousekeepingOptions {
  readonly upkeep: Pick<RepositoryUpkeep, 'repack' | 'indexPacks'>;
  readonly log: Log;
  /** What else there is to put in order, such as the journal. */
  readonly tidy?: () => Promise<void>;
  /** Commits between two runs. */
  readonly every?: number;
}

/**
 * Every commit leaves a pack, and a repository of many packs is slow to read. After so many commits the small packs are rolled
 * up into larger ones, so that their number grows with the logarithm of the commits and each object is rewritten as often. Nothing is
 * dropped, so pushes go on meanwhile. Before that, many large packs get one index: git looks through them for all that a push names.
 */
export function startHousekeeping(options: HousekeepingOptions): Housekeeping {
  const { upkeep, log, tidy = async () => undefined, every = 25 } = options;
  let active = 0;
  let since = 0;
  let unindexed = 0;
  let stopped = false;
  let collecting: Promise<void> | undefined;
  let abort = new AbortController();
  /** While it is there, pushes wait for it before they begin. */
  let gate: Promise<void> | undefined;
  let drained: () => void = () => undefined;

  const collect = async (): Promise<void> => {
    if (stopped) return;
    const started = Date.now();
    abort = new AbortController();
    const { signal } = abort;
    try {
      await upkeep.repack(signal);
      log.info('repack.done', { ms: Date.now() - started });
    } catch (error) {
      if (!signal.aborted) throw error; // ended because the daemon stops
    }
  };

  const index = async (): Promise<void> => {
    abort = new AbortController();
    await upkeep.indexPacks?.(abort.signal);
  };

  const maybe = (): void => {
    if (stopped || gate !== undefined || collecting !== undefined) return;
    if (since < every) {
      if (unindexed < MANY_PACKS) return;
      unindexed = 0;
      collecting = index().finally(() => {
        collecting = undefined;
      });
      return;
    }
    since = 0;
    unindexed = 0;
    collecting = tidy()
      .then(collect)
      .catch((error: unknown) => log.warn('repack.failed', { message: toKvError(error).message }))
      .finally(() => {
        collecting = undefined;
      });
  };
  const endOfPushes = (patience: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, patience);
      drained = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  return {
    async during(push) {
      while (gate !== undefined) await gate;
      active += 1;
      try {
        return await push();
      } finally {
        active -= 1;
        if (active === 0) drained();
        maybe();
      }
    },
    async quietly(work, patience) {
      while (gate !== undefined) await gate;
      let open: () => void = () => undefined;
      gate = new Promise((resolve) => {
        open = resolve;
      });
      try {
        if (active > 0) await endOfPushes(patience);
        await collecting;
        if (active > 0) return false;
        await work();
        return true;
      } finally {
        gate = undefined;
        open();
      }
    },
    committed() {
      since += 1;
      unindexed += 1;
    },
    async stop() {
      stopped = true;
      abort.abort();
      await collecting;
    },
  };
}
