import type { Clone } from '../../../domain/client/clone/clone.js';
import { KvError } from '../../../ports/error.js';

const nowhere = async (): Promise<never> => {
  throw new KvError('NOT_SUPPORTED', 'this takes a clone, and there is none', {
    hint: 'open a clone for it; a value that is too large for a stream of intents is pushed from there',
  });
};

/** What of a clone leads to Git, where there is none: nothing is known, and whatever would need to be fetched or pushed is `NOT_SUPPORTED`. */
export const WITHOUT_GIT: Pick<Clone, 'remotes' | 'stargate' | 'fetched' | 'policyReader' | 'remoteName'> = {
  remoteName: 'stargate',
  remotes: {
    url: async () => null,
    listRefs: nowhere,
    fetch: async () => undefined, // the policy stays unknown: the Stargate judges alone
    fetchObjects: nowhere,
    push: nowhere,
  },
  stargate: { run: nowhere, hold: nowhere, pinHostKey: nowhere },
  fetched: { lastFetch: async () => null, markFetched: async () => undefined },
  policyReader: nowhere,
};
