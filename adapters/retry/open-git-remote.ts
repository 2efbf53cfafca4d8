import type { GitRemote, OpenAdapter } from '../../ports/index.js';
import { type Config, retryingIn } from './config.js';
import type { Retrying } from './retry.js';

export { Config } from './config.js';

/**
 * A clone's remotes, whose reads are tried again. A push is sent once: whether it may be sent again is judged by who has made it, for
 * whom nobody else knows what the other side has of it. Owns `remote`.
 */
export function remoteWithRetry(remote: GitRemote, again: Retrying): GitRemote {
  return {
    ...(remote.shown === undefined ? {} : { shown: remote.shown.bind(remote) }),
    ...(remote.expectPush === undefined ? {} : { expectPush: remote.expectPush.bind(remote) }),
    ...(remote.askToPush === undefined ? {} : { askToPush: remote.askToPush.bind(remote) }),
    ...(remote.close === undefined ? {} : { close: remote.close.bind(remote) }),
    url: (...args) => again(() => remote.url(...args)),
    listRefs: (...args) => again(() => remote.listRefs(...args)),
    fetch: (...args) => again(() => remote.fetch(...args)),
    fetchObjects: (...args) => again(() => remote.fetchObjects(...args)),
    push: (...args) => remote.push(...args),
  };
}

/** Named under `wrap:` of a clone's remotes. */
export const open: OpenAdapter<Config, GitRemote> = async (config, context) =>
  remoteWithRetry(await context.get<GitRemote>('git-remote'), await retryingIn(config, context));
