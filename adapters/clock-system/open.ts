import { setTimeout as delay } from 'node:timers/promises';
import { type Clock, KvError, type OpenAdapter } from '../../ports/index.js';

/** The machine's clock. */
export function systemClock(): Clock {
  return {
    now: () => Date.now(),
    sleep: async (ms, signal) => {
      try {
        await delay(ms, undefined, signal === undefined ? {} : { signal });
      } catch (cause) {
        throw new KvError('INTERRUPTED', 'the wait was interrupted', { cause });
      }
    },
  };
}

/** Opens the machine's clock. */
export const open: OpenAdapter<undefined, Clock> = async () => systemClock();
