import type { AdminClient } from '../../ports/clone/admin-client.js';
import type { FetchRecord } from '../../ports/git/fetch-record.js';
import type { GitRemote } from '../../ports/git/git-remote.js';

/** The calls that a test has a use for. */
export interface StubbedCalls {
  readonly remotes?: Partial<GitRemote>;
  readonly stargate?: Partial<AdminClient>;
  readonly fetched?: Partial<FetchRecord>;
}

/** A clone's ways to its remotes that have only the calls given; every other one fails with what `refusal` makes. */
export function stubRemotes(
  refusal: () => Error,
  calls: StubbedCalls,
): { readonly remotes: GitRemote; readonly stargate: AdminClient; readonly fetched: FetchRecord } {
  const refuse = async (): Promise<never> => {
    throw refusal();
  };
  return {
    remotes: { url: refuse, listRefs: refuse, fetch: refuse, fetchObjects: refuse, push: refuse, ...calls.remotes },
    stargate: { run: refuse, hold: refuse, pinHostKey: refuse, ...calls.stargate },
    fetched: { lastFetch: refuse, markFetched: refuse, ...calls.fetched },
  };
}
