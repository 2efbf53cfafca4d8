import type { RecordedHead } from '../../../../ports/stargate/decision-log.js';
import type { DecisionResult, Proposal, RefusedBecause } from '../effects.js';
import { isAt, movesOf } from '../entry.js';
import { announce, peersOf } from './announce.js';
import type { Ballot, Leading, Machine } from '../machine.js';
import { advanceMembers, changed, isLevel, refuseChange } from './membership.js';
import { dropAborted } from '../follower/participant.js';
import { majorityOf } from '../quorum.js';
import { learn, stepDown } from '../terms.js';

/** Takes a proposal in. One after the other is decided. */
export function onPropose(m: Machine, proposal: Proposal): void {
  const { leading } = m.state;
  if (leading === null) {
    m.answer(proposal.id, {
      outcome: 'refused',
      because: 'not-leader',
      detail: `the leader is ${m.state.leader ?? 'not known'}`,
    });
    return;
  }
  if (proposal.change === undefined) leading.queue.push(proposal);
  else refuseChange(m, leading, proposal);
}

/** Goes on with the attempt under way, or begins the next. */
export function advanceCoordinator(m: Machine): void {
  const { leading } = m.state;
  if (leading === null) return;
  if (leading.ballot !== null) advanceBallot(m, leading, leading.ballot);
  if (m.state.leading !== leading) return;
  advanceMembers(m, leading); // after what has become of the attempt: who was refused may ask again at once
  if (leading.ballot !== null) return;
  if (leading.transfer !== null) handOver(m, leading, leading.transfer);
  else begin(m, leading);
}

function begin(m: Machine, leading: Leading): void {
  const { state } = m;
  if (state.op !== null || state.waiting !== null || !isAt(leading.head, state.applied)) return;
  const proposal = leading.queue.shift();
  if (proposal === undefined) return;
  const { head } = leading;
  const members = changed(head.members, proposal);
  const entry = {
    id: proposal.id,
    sequence: head.sequence + 1,
    term: state.term,
    attempt: ++leading.attempt,
    before: head.digest,
    after: m.digestAfter(head.digest, movesOf(proposal.updates, head.members, members)),
    updates: proposal.updates,
    events: proposal.events,
    members,
  };
  state.proposed = { term: entry.term, attempt: entry.attempt };
  leading.ballot = { proposal, entry, since: state.tick, votes: new Set(), refusals: new Map(), phase: 'voting' };
  state.waiting = { entry, from: m.self, told: false };
  for (const peer of peersOf(m)) m.send(peer, { kind: 'prepare', entry, head });
}

function advanceBallot(m: Machine, leading: Leading, ballot: Ballot): void {
  const { state } = m;
  const { entry, votes } = ballot;
  const { members } = leading.head;
  if (ballot.phase === 'voting') {
    const ack = ballot.proposal.change === undefined ? ballot.proposal.ack : 'quorum';
    const suffice = (of: ReadonlySet<string>): boolean => m.rules.isQuorum(of, members, entry.members, ack);
    if (votes.has(m.self) && suffice(votes)) {
      decide(m, leading, ballot);
      return;
    }
    const own = ballot.refusals.get(m.self);
    if (own !== undefined) {
      abort(m, leading, 'storage', `the leader could not store it: ${own}`);
      return;
    }
    const mayVote = [...members, ...entry.members].filter((id) => (ballot.refusals.get(id) ?? 'behind') === 'behind');
    const isLate = state.tick - ballot.since > m.timing.vote;
    if (!isLate && suffice(new Set([...votes, ...mayVote]))) return;
    abort(m, leading, 'no-quorum', whoIsMissing(leading, ballot));
    if (isLate) yieldAlone(m, leading, ballot);
  } else if (ballot.phase === 'applying') {
    const failed = state.failed === state.tick && state.op === null;
    if (state.applied.sequence < entry.sequence && !failed) return;
    leading.ballot = null;
    m.answer(ballot.proposal.id, { outcome: 'accepted', sequence: entry.sequence });
    if (state.applied.sequence >= entry.sequence) return;
    stepDown(m, 'what was decided could not be written here');
    m.emit({ kind: 'release', why: 'what was decided could not be written here' });
  }
}

/**
 * A leader to whom a majority says nothing leaves the lock to others: it may be the one that is cut off. Not again for a while, since
 * it may also be the one that is left.
 */
function yieldAlone(m: Machine, leading: Leading, { votes, refusals, since }: Ballot): void {
  const { state, timing } = m;
  const { members } = leading.head;
  const isHeard = (id: string): boolean => votes.has(id) || refusals.has(id) || (leading.peers.get(id)?.heard ?? 0) > since;
  if (members.filter(isHeard).length >= majorityOf(members.length)) return;
  if (state.yielded !== null && state.tick - state.yielded < timing.alone) return;
  state.yielded = state.tick;
  const why = 'a majority of the servers is not heard';
  stepDown(m, why);
  m.emit({ kind: 'release', why, cutOff: true });
}

function whoIsMissing({ head }: Leading, { votes, refusals }: Ballot): string {
  const missing = head.members.filter((id) => !votes.has(id)).map((id) => `${id} (${refusals.get(id) ?? 'silent'})`);
  return `${votes.size} of ${head.members.length} servers have voted, ${majorityOf(head.members.length)} must: without ${missing.join(', ')}`;
}

function decide(m: Machine, leading: Leading, ballot: Ballot): void {
  const { sequence, after, members } = ballot.entry;
  ballot.phase = 'deciding';
  m.decide({ sequence, digest: after, members, term: m.state.term }, leading.revision);
}

/** The decision has ended, or nobody knows how. */
export function onDecision(m: Machine, result: DecisionResult): void {
  const { leading } = m.state;
  const ballot = leading?.ballot ?? null;
  if (leading === null || ballot?.phase !== 'deciding') return;
  if (result.kind === 'made') {
    made(m, leading, ballot, result.revision);
    return;
  }
  if (!m.rules.isInDoubt(result.kind)) {
    abort(m, leading, 'no-quorum', 'the decision log has not answered');
    return;
  }
  if (result.kind === 'moved') {
    m.read();
    return;
  }
  if (result.kind === 'unknown') return; // the same is decided again, at the next tick that is due
  stepDown(m, 'the lock was lost');
  m.emit({ kind: 'release', why: 'the lock was lost' });
}

/** The head, as it was read because it had moved: by an earlier try of the same decision, or by another leader. */
export function onLeaderHead(m: Machine, recorded: RecordedHead | null): void {
  const { leading } = m.state;
  const ballot = leading?.ballot ?? null;
  if (leading === null || ballot?.phase !== 'deciding' || m.state.deciding !== null || recorded === null) return;
  const { head, revision } = recorded;
  if (head.term === m.state.term && isAt(head, { sequence: ballot.entry.sequence, digest: ballot.entry.after })) {
    made(m, leading, ballot, revision);
    return;
  }
}

function made(m: Machine, leading: Leading, ballot: Ballot, revision: string): void {
  const { sequence, after, members, attempt } = ballot.entry;
  leading.head = { sequence, digest: after, members, term: m.state.term };
  leading.revision = revision;
  leading.settled = attempt;
  m.state.yielded = null;
  ballot.phase = 'applying';
  learn(m, leading.head);
  announce(m);
}

function abort(m: Machine, leading: Leading, because: RefusedBecause, detail: string): void {
  const { ballot } = leading;
  if (ballot === null) return;
  leading.ballot = null;
  leading.settled = ballot.entry.attempt;
  if (m.state.waiting?.entry === ballot.entry) m.state.waiting = null;
  dropAborted(m, m.state.term, leading.head, leading.settled);
  m.answer(ballot.proposal.id, { outcome: 'refused', because, detail });
  announce(m);
}

function handOver(m: Machine, leading: Leading, { to, since }: NonNullable<Leading['transfer']>): void {
  if (m.state.tick - since > m.timing.vote) leading.transfer = null;
  else if (isLevel(m, leading, to)) {
    m.send(to, { kind: 'stand', term: m.state.term });
    stepDown(m, `${to} is to lead`);
    m.emit({ kind: 'release', why: `${to} is to lead` });
  }
}

/** What a leader does at times: it says where it stands, and asks again those that have not answered. */
export function repeatCoordinator(m: Machine): void {
  const { state, timing } = m;
  const { leading } = state;
  if (leading === null) return;
  const { ballot } = leading;
  if (state.tick - leading.beat >= timing.heartbeat) {
    announce(m);
    dropAborted(m, state.term, leading.head, leading.settled);
  }
  if (ballot === null || ballot.since === state.tick || (state.tick - ballot.since) % timing.resend !== 0) return;
  if (ballot.phase === 'deciding' && state.deciding === null) decide(m, leading, ballot);
  if (ballot.phase !== 'voting') return;
  for (const peer of peersOf(m)) {
    const refusal = ballot.refusals.get(peer);
    if (ballot.votes.has(peer) || (refusal !== undefined && refusal !== 'behind')) continue;
    m.send(peer, { kind: 'prepare', entry: ballot.entry, head: leading.head });
  }
}
