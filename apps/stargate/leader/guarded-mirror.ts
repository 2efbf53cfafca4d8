import { KvError } from '../../../ports/error.js';
import type { MirrorTarget } from '../../../ports/stargate/mirror-target.js';

/**
 * The mirror as who leads sees it: each push asks first whether this process still may, and throws `INTERRUPTED` where it may not. That a
 * lease was lost is heard of too late by a process that was paused: what was due meanwhile would go out first, and take back what another
 * leader has pushed since, such as a branch that was deleted and has come again. `target` stays the caller's.
 */
export function guardedMirror(target: MirrorTarget, mayPush: () => Promise<boolean>): MirrorTarget {
  return {
    get capabilities() {
      return target.capabilities;
    },
    get label() {
      return target.label;
    },
    wraps: target,
    async push(updates, signal) {
      if (!(await mayPush())) throw new KvError('INTERRUPTED', `${target.label}: another may lead by now, so nothing is pushed`);
      await target.push(updates, signal);
    },
    refs: (patterns, signal) => target.refs(patterns, signal),
    fetch: (pairs) => target.fetch(pairs),
    close: () => target.close(),
  };
}
