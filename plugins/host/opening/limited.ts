import { KvError } from '../../../ports/index.js';

/** How long what a plugin brings may take to be loaded, or to open. Milliseconds. */
export const OPENING_MS = 30_000;

/**
 * The work's outcome, if it comes in time; else `PLUGIN_INVALID` with `what`, and with `waitedMs` among its details. What comes too late is handed to `tooLate`, to be closed;
 * what fails too late has nobody left to hear of it.
 */
export async function limited<T>(work: Promise<T>, ms: number, what: string, tooLate?: (late: T) => unknown): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      work.then(tooLate, () => undefined).catch(() => undefined); // the error below has been told instead
      reject(
        new KvError('PLUGIN_INVALID', `${what} within ${ms / 1000} s`, {
          hint: 'ask who wrote the plugin, or take it out of the profile',
          details: { waitedMs: ms },
        }),
      );
    }, ms);
  });
  try {
    return await Promise.race([work, over]);
  } finally {
    clearTimeout(timer);
  }
}
