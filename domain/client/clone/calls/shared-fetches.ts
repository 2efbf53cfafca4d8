import type { FetchOptions, GitRemote } from '../../../../ports/git/git-remote.js';
import { interrupted } from './cancellation.js';

/** One fetch, and how many wait for it. */
interface Flight {
  readonly over: Promise<void>;
  readonly end: AbortController;
  begun: boolean;
  waiters: number;
}

/**
 * Remotes of which many calls at a time fetch the same: one fetch runs, and all that come meanwhile share the next, since the one that runs
 * may have looked before they asked. A fetch for which nobody waits any more is ended.
 */
export function sharedFetches(remotes: GitRemote): GitRemote {
  /** The last fetch of each thing that is fetched. */
  const lasts = new Map<string, Flight>();
  return {
    url: (...args) => remotes.url(...args),
    listRefs: (...args) => remotes.listRefs(...args),
    fetchObjects: (...args) => remotes.fetchObjects(...args),
    expectPush: (...args) => remotes.expectPush?.(...args),
    askToPush: async (...args) => (await remotes.askToPush?.(...args)) ?? null,
    shown: (...args) => remotes.shown?.(...args) ?? null,
    push: (...args) => remotes.push(...args),
    close: async () => remotes.close?.(),
    fetch(remote, direction, requests, options = {}) {
      const what = JSON.stringify([remote, direction, requests]);
      const last = lasts.get(what);
      const joins = last !== undefined && !last.begun && !last.end.signal.aborted;
      const flight = joins ? last : start(last, (signal) => remotes.fetch(remote, direction, requests, { ...options, signal }));
      if (!joins) {
        lasts.set(what, flight);
        const forget = (): void => void (lasts.get(what) === flight && lasts.delete(what));
        flight.over.then(forget, forget);
      }
      return wait(flight, options);
    },
  };
}

/** A fetch that begins when the one before is over. */
function start(before: Flight | undefined, fetch: (signal: AbortSignal) => Promise<void>): Flight {
  const end = new AbortController();
  const run = async (): Promise<void> => {
    await before?.over.catch(() => undefined); // those who waited for it are told
    flight.begun = true;
    if (end.signal.aborted) throw interrupted();
    await fetch(end.signal);
  };
  // Not before all who ask at this moment have come.
  const flight: Flight = { over: Promise.resolve().then(run), end, begun: false, waiters: 0 };
  return flight;
}

/** Waits for a fetch, or until the signal fires; the last to leave ends it, and waits for that. */
async function wait(flight: Flight, { signal }: FetchOptions): Promise<void> {
  flight.waiters++;
  let leave = (): void => undefined;
  const left = new Promise<'left'>((resolve) => {
    leave = () => resolve('left');
  });
  if (signal?.aborted === true) leave();
  signal?.addEventListener('abort', leave);
  try {
    if ((await Promise.race([flight.over, left])) !== 'left') return;
  } finally {
    flight.waiters--;
    signal?.removeEventListener('abort', leave);
  }
  if (flight.waiters === 0) {
    flight.end.abort();
    if (flight.begun) await flight.over.catch(() => undefined); // whatever it has met: its caller has left
  }
  throw interrupted();
}
