import type { LeaderLock } from '../../../ports/stargate/leader-lock.js';
import { type Check, ok } from './check.js';

/**
 * A lock that holds between hosts lies elsewhere, and is asked who holds it: a Stargate that can't ask doesn't start. One of this host is
 * a file of the repository, which asking might make, as this user's.
 */
export const LOCK: Check = {
  name: 'lock',
  needs: ['profile'],
  async run({ composition }) {
    const lock = await (await composition()).get<LeaderLock>('leader-lock');
    if (!lock.capabilities.multiHost) return [];
    const holder = await lock.holder();
    return [ok(holder === null ? 'nobody leads' : `${holder.name} leads, term ${holder.term}`)];
  },
};
