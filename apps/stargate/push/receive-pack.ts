import { KvError } from '../../../ports/error.js';
import type { ServeExec } from '../exec-session.js';
import { Push } from './push.js';
import type { ReceivePackOptions } from './push-options.js';

/**
 * Serves one push. Whatever way it ends, the gateway's lock is given back.
 * Throws `CONFIG_INVALID` for a store that can't see what a push brings before it is taken.
 */
export function serveReceivePack(options: ReceivePackOptions): ServeExec {
  if (!options.store.capabilities.quarantines.includes('given')) {
    throw new KvError('CONFIG_INVALID', "the profile's git-store reads no quarantine of a push", { hint: 'use git-cli' });
  }
  const atHand = new Set<Push>();
  options.over.addEventListener(
    'abort',
    () => {
      for (const push of atHand) push.depose();
    },
    { once: true },
  );
  return async (session) => {
    options.over.throwIfAborted();
    const push = new Push(session, options);
    atHand.add(push);
    try {
      return await push.run();
    } finally {
      atHand.delete(push);
      // Once another leads, a quarantine may be that of a push to it.
      if (push.unwanted && atHand.size === 0 && !options.over.aborted) await options.host.sweepQuarantines(0);
    }
  };
}
