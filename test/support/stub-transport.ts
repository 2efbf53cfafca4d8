import type { GitTransport } from '../../ports/git-transport.js';

/** A transport that has only the calls given; every other one fails with what `refusal` makes. */
export function stubTransport(refusal: () => Error, calls: Partial<GitTransport>): GitTransport {
  const refuse = async (): Promise<never> => {
    throw refusal();
  };
  return {
    ...{ url: refuse, listRefs: refuse, fetch: refuse, fetchObjects: refuse, push: refuse },
    ...{ admin: refuse, lastFetch: refuse, markFetched: refuse },
    ...calls,
  };
}
