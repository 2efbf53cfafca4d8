import type { GitTransport } from '../../../ports/git-transport.js';

/** A transport that is opened by its first use: an offline read never pays for it. */
export function lazyTransport(open: () => Promise<GitTransport>): GitTransport {
  return {
    url: async (...args) => (await open()).url(...args),
    listRefs: async (...args) => (await open()).listRefs(...args),
    fetch: async (...args) => (await open()).fetch(...args),
    fetchObjects: async (...args) => (await open()).fetchObjects(...args),
    push: async (...args) => (await open()).push(...args),
    admin: async (...args) => (await open()).admin(...args),
    lastFetch: async (...args) => (await open()).lastFetch(...args),
    markFetched: async (...args) => (await open()).markFetched(...args),
  };
}
