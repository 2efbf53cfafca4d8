import type { AdminClient } from '../../../ports/clone/admin-client.js';
import type { CloneCache } from '../../../ports/clone/clone-cache.js';
import type { FetchRecord } from '../../../ports/git/fetch-record.js';
import type { GitRemote } from '../../../ports/git/git-remote.js';
import type { IntentStream } from '../../../ports/clone/intent-stream.js';

/** Remotes that are opened by their first use: an offline read never pays for them. */
export function lazyRemote(open: () => Promise<GitRemote>): GitRemote {
  let opened: GitRemote | undefined;
  return {
    url: async (...args) => (await open()).url(...args),
    listRefs: async (...args) => (await open()).listRefs(...args),
    fetch: async (...args) => (await open()).fetch(...args),
    fetchObjects: async (...args) => (await open()).fetchObjects(...args),
    expectPush: (...args) =>
      void open().then(
        (remote) => {
          opened = remote;
          remote.expectPush?.(...args);
        },
        () => undefined, // the push itself says why they can't be opened
      ),
    askToPush: async (...args) => (await (await open()).askToPush?.(...args)) ?? null,
    shown: (...args) => opened?.shown?.(...args) ?? null,
    push: async (...args) => (await open()).push(...args),
    close: async () => opened?.close?.(),
  };
}

/** An admin client that is opened by its first use. */
export function lazyAdminClient(open: () => Promise<AdminClient>): AdminClient {
  return {
    run: async (...args) => (await open()).run(...args),
    hold: async (...args) => (await open()).hold(...args),
    pinHostKey: async (...args) => (await open()).pinHostKey(...args),
  };
}

/** Streams of intents that are opened by their first use. */
export function lazyIntentStream(open: () => Promise<IntentStream>): IntentStream {
  return { open: async (...args) => (await open()).open(...args) };
}

/** A record of fetches that is opened by its first use. */
export function lazyFetchRecord(open: () => Promise<FetchRecord>): FetchRecord {
  return {
    lastFetch: async (...args) => (await open()).lastFetch(...args),
    markFetched: async (...args) => (await open()).markFetched(...args),
  };
}

/** What a clone keeps for its next commands. Where it can't be opened, as in a profile that names none, nothing is kept. */
export function lenientCloneCache(opening: Promise<CloneCache>): CloneCache {
  const opened = opening.catch(() => null);
  return {
    get: async (...args) => (await opened)?.get(...args) ?? null,
    put: async (...args) => (await opened)?.put(...args),
  };
}
