import { KvError } from '../../../ports/error.js';
import type { LeaderLock, Lease } from '../../../ports/stargate/leader-lock.js';
import type { ClusterMember } from './member/member.js';

/**
 * The lock as a cluster's member shows it to what runs while it leads: it is held from the moment the member has proved to have all that was
 * decided, and lost from the moment it leads no more, whoever holds the lock below. `below` says who does, where this member has heard of no leader.
 */
export function leadingLock(member: ClusterMember, below: LeaderLock['holder'] = async () => null): LeaderLock {
  let held: { readonly term: number; readonly loss: AbortController } | null = null;
  const leads = (): number | null => (member.state.leading === null ? null : member.state.term);
  const unwatch = member.watch(() => {
    if (held === null || held.term === leads()) return;
    const { term, loss } = held;
    held = null;
    loss.abort(new KvError('NOT_LEADER', `term ${term} of this server is over`));
  });
  return {
    capabilities: { multiHost: true },

    async acquire() {
      const term = leads();
      if (term === null || held !== null) return null;
      const mine = { term, loss: new AbortController() };
      held = mine;
      return {
        term,
        lost: mine.loss.signal,
        held: async () => held === mine && leads() === term,
        async release() {
          if (held !== mine) return;
          held = null;
          member.stepDown();
        },
      } satisfies Lease;
    },

    async holder() {
      const { leader, term } = member.state;
      return leader === null ? below() : { name: leader, term };
    },

    async close() {
      unwatch();
    },
  };
}

/**
 * Whether a member leads, and the lock below, which is asked, is held for its term. A decision needs no such question, since it compares the
 * lock itself; what a leader does elsewhere does.
 */
export async function holdsLock(member: Pick<ClusterMember, 'state' | 'lease'>): Promise<boolean> {
  const { lease } = member;
  const leads = (): boolean => lease !== null && member.state.leading !== null && member.state.term === lease.term;
  return leads() && (await lease?.held()) === true && leads();
}
