import type { MirrorTarget, OpenAdapter } from '../../ports/index.js';
import { type Config, retryingIn } from './config.js';
import type { Retrying } from './retry.js';

export { Config } from './config.js';
export { RETRY_DEFAULTS, type RetryOptions, retrying, type RetryParts } from './retry.js';

/** A mirror target all of whose calls may be repeated, by its port's contract. Owns `target`. */
export function withRetry(target: MirrorTarget, again: Retrying): MirrorTarget {
  return {
    get capabilities() {
      return target.capabilities;
    },
    get label() {
      return target.label;
    },
    wraps: target,
    push: (updates, signal) => again(() => target.push(updates, signal), signal),
    refs: (patterns, signal) => again(() => target.refs(patterns, signal), signal),
    fetch: (pairs) => again(() => target.fetch(pairs)),
    close: () => target.close(),
  };
}

/** Named under `wrap:` of a mirror target. */
export const open: OpenAdapter<Config, MirrorTarget> = async (config, context) =>
  withRetry(await context.get<MirrorTarget>('mirror-target'), await retryingIn(config, context));
