import { KvError } from '../../../ports/error.js';
import type { Clone } from '../clone/clone.js';
import { knownPolicy } from '../clone/policy/known-policy.js';
import { pauses } from './in-doubt.js';
import { leaveSession } from './sessions.js';

/** For how long the leader of a cluster is looked for: another takes over within seconds. Milliseconds. */
const PATIENCE_MS = 20_000;

/**
 * Makes an attempt at the Stargate, and where that doesn't lead, or can't be reached, at the others whose push URLs the policy lists: the
 * one that is named as the leader first. The clone pushes there from then on. Throws what the last attempt did.
 */
export async function atTheLeader<T>(clone: Clone, attempt: () => Promise<T>): Promise<T> {
  let until = Number.POSITIVE_INFINITY;
  for (const pause of pauses()) {
    try {
      return await attempt();
    } catch (error) {
      if (!KvError.is(error) || !isElsewhere(error) || clone.config.put === undefined) throw error;
      const urls = Object.values((await knownPolicy(clone))?.pushUrls ?? {});
      const key = `remote.${clone.remoteName}.pushurl`;
      const at = urls.indexOf(clone.config.get(key) ?? '');
      if (urls.length === 0 || clone.clock.now() > until) throw error;
      until = Math.min(until, clone.clock.now() + PATIENCE_MS);
      const named = error.details?.['push_url'];
      const isNamed = typeof named === 'string' && urls.includes(named) && named !== urls[at];
      // A standby that names nobody waits for a leader itself: it is asked again, as good as any other.
      const next = isNamed ? named : urls[(at + 1) % urls.length];
      if (!isNamed) await clone.clock.sleep(pause);
      if (next === undefined || next === urls[at]) continue;
      await clone.config.put(key, next);
      leaveSession(clone);
    }
  }
  throw new KvError('UNEXPECTED', 'there are always more pauses');
}

/** Whether another Stargate of the cluster may take what this one did not: nothing of it has arrived. */
const isElsewhere = ({ code, details }: KvError): boolean =>
  code === 'NOT_LEADER' || (code === 'IO_ERROR' && (details?.['sent'] === 'nothing' || details?.['sent'] === 'cut'));
