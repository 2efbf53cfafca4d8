import type { Head } from '../../../ports/stargate/decision-log.js';
import { newerHead, type ServerId } from './entry.js';
import type { Machine } from './machine.js';

/** Takes note of what was decided. Heads are facts, whoever tells of them. */
export function learn(m: Machine, head: Head | null): void {
  if (head === null) return;
  m.state.known = newerHead(m.state.known, head);
  if (head.term > m.state.term) seeTerm(m, head.term, null);
}

/** Takes note of a term, and of who leads in it where that is known. Whoever leads in an older one stops. */
export function seeTerm(m: Machine, term: number, leader: ServerId | null): void {
  const { state } = m;
  if (term > state.term) {
    state.term = term;
    state.leader = null;
    if (state.leading !== null || state.takeover !== null) {
      stepDown(m, `server ${leader ?? 'unknown'} has seen term ${term}`);
      m.emit({ kind: 'release', why: `term ${term} has begun` });
    }
  }
  if (leader !== null && term === state.term) {
    state.leader = leader;
    state.heard = state.tick;
  }
}

/**
 * Stops leading. What was not decided yet never will be by this term; what is being decided is in doubt until the head tells, and its
 * proposer hears then.
 */
export function stepDown(m: Machine, why: string): void {
  const { state } = m;
  const { leading } = state;
  state.takeover = null;
  state.leading = null;
  state.deciding = null;
  if (state.leader === m.self) state.leader = null;
  if (state.waiting?.from === m.self) state.waiting = null;
  if (leading === null) return;
  const refuse = (proposal: string): void => m.answer(proposal, { outcome: 'refused', because: 'not-leader', detail: why });
  const { ballot } = leading;
  if (ballot !== null) {
    if (ballot.phase === 'voting') refuse(ballot.proposal.id);
    else state.doubtful.push({ proposal: ballot.proposal.id, entry: ballot.entry });
  }
  for (const { id } of leading.queue) refuse(id);
  for (const { proposal, queued } of leading.joining.values()) if (!queued) refuse(proposal.id);
}

/** From here on nothing of this server counts: its history is not the cluster's, and is never merged with it. */
export function quarantine(m: Machine, why: string): void {
  const { state } = m;
  if (state.diverged !== null) return;
  state.diverged = why;
  state.tail = [];
  state.fetch = null;
  state.waiting = null;
  if (state.leading === null && state.takeover === null) return;
  stepDown(m, why);
  m.emit({ kind: 'release', why });
}
