import type { Proposal, RefusedBecause } from '../effects.js';
import type { ServerId } from '../entry.js';
import { recount } from '../ballot.js';
import type { Leading, Machine } from '../machine.js';
import type { Report } from '../messages.js';
import { seeTerm } from '../terms.js';

/** The members after a proposal: one more, one less, or the same list. */
export function changed(members: readonly ServerId[], { change }: Proposal): readonly ServerId[] {
  if (change === undefined) return members;
  if ('add' in change) return members.includes(change.add) ? members : [...members, change.add].sort();
  return members.includes(change.remove) && members.length > 1 ? members.filter((id) => id !== change.remove) : members;
}

/** Takes a change of members in, one server at a time; a server that is to be added must first come level. Or refuses it. */
export function refuseChange(m: Machine, leading: Leading, proposal: Proposal): void {
  const { change } = proposal;
  if (change === undefined) return;
  const { members } = leading.head;
  const refuse = (detail: string): void => m.answer(proposal.id, { outcome: 'refused', because: 'members', detail });
  if ('add' in change) {
    if (members.includes(change.add)) {
      refuse(`${change.add} is a member`);
      return;
    }
    if (leading.joining.has(change.add)) {
      refuse(`${change.add} is joining`);
      return;
    }
    leading.joining.set(change.add, { proposal, since: m.state.tick, queued: false });
    return;
  }
  if (!members.includes(change.remove)) {
    refuse(`${change.remove} is no member`);
    return;
  }
  if (change.remove === m.self) {
    refuse(`${change.remove} leads: hand leadership over first`);
    return;
  }
  leading.queue.push(proposal);
}

/** Queues the change for each joining server that has come level; refuses those that take too long. */
export function advanceMembers(m: Machine, leading: Leading): void {
  for (const [id, joining] of leading.joining) {
    if (leading.head.members.includes(id)) leading.joining.delete(id);
    else if (joining.queued) {
      const isUnderWay = leading.ballot?.proposal === joining.proposal || leading.queue.includes(joining.proposal);
      if (!isUnderWay) leading.joining.delete(id); // it was refused
    } else if (isLevel(m, leading, id)) {
      joining.queued = true;
      leading.queue.push(joining.proposal);
    } else if (m.state.tick - joining.since > m.timing.join) {
      leading.joining.delete(id);
      const because: RefusedBecause = 'not-level';
      m.answer(joining.proposal.id, { outcome: 'refused', because, detail: `${id} has not come level in time` });
    }
  }
}

/** Whether a server was heard of late and has what was decided, but for what is being decided now. */
export function isLevel(m: Machine, leading: Leading, id: ServerId): boolean {
  const peer = leading.peers.get(id);
  if (peer === undefined || peer.diverged !== null || m.state.tick - peer.heard > 2 * m.timing.heartbeat) return false;
  return peer.at.sequence >= leading.head.sequence - 1;
}

/** Notes where a server stands. */
export function onReport(m: Machine, from: ServerId, { term, at, diverged }: Report): void {
  if (term > m.state.term) seeTerm(m, term, null);
  const { leading, tick } = m.state;
  if (leading === null || term !== m.state.term) return;
  recount(m, from, at);
  const parted = at.sequence === leading.head.sequence && at.digest !== leading.head.digest;
  leading.peers.set(from, {
    at: { sequence: at.sequence, digest: at.digest },
    heard: tick,
    diverged: diverged ?? (parted ? `entry ${at.sequence} has the digest ${at.digest} there` : null),
  });
}
