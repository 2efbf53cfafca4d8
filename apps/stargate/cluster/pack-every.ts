import { toKvError } from '../../../ports/error.js';
import type { RepositoryUpkeep } from '../../../ports/git/repository-upkeep.js';
import type { Log } from '../log/log.js';

/** Packs a standby's repository now and then: each entry that it takes leaves objects of its own. */
export interface Packing {
  /** Counts an entry. */
  count(): void;
  /** Ends what is at work, and begins nothing more. */
  stop(): Promise<void>;
}

/** Rolls packs up after so many entries; while that is at work, the next time is put off. */
export function packEvery(entries: number, upkeep: Pick<RepositoryUpkeep, 'repack'>, log: Log): Packing {
  const stopped = new AbortController();
  let since = 0;
  let working: Promise<void> | null = null;
  return {
    count() {
      if (++since < entries || working !== null || stopped.signal.aborted) return;
      since = 0;
      working = upkeep
        .repack(stopped.signal)
        .catch((error: unknown) => {
          if (!stopped.signal.aborted) log.warn('repack.failed', { message: toKvError(error).message });
        })
        .finally(() => {
          working = null;
        });
    },
    async stop() {
      stopped.abort();
      await working;
    },
  };
}
