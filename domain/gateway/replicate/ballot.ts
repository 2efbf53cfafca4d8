import type { Position, ServerId } from './entry.js';
import type { Machine } from './machine.js';
import type { Refuse, Vote } from './messages.js';

/** Counts a server's vote for the attempt under way; each server's counts once, however often it comes. */
export function countVote(m: Machine, from: ServerId, vote: Vote): void {
  const ballot = m.state.leading?.ballot ?? null;
  if (ballot === null) return;
  if (m.rules.countsFor(vote, ballot.entry)) ballot.votes.add(from);
  else if (vote.term === ballot.entry.term && vote.attempt === ballot.entry.attempt)
    ballot.refusals.set(from, `its digest is ${vote.digest}`);
}

/**
 * Takes a vote back of which the disk is gone: who has voted for an entry has all before it, so a voter that stands further back has lost
 * its disk since, and its vote with it.
 */
export function recount(m: Machine, from: ServerId, at: Position): void {
  const ballot = m.state.leading?.ballot ?? null;
  if (ballot?.phase === 'voting' && at.sequence < ballot.entry.sequence - 1) ballot.votes.delete(from);
}

/** Notes why a server doesn't vote for the attempt under way. */
export function countRefusal(m: Machine, from: ServerId, { reason, attempt, at }: Refuse): void {
  const { leading, tick } = m.state;
  if (leading === null) return;
  recount(m, from, at);
  if (from !== m.self) {
    const diverged = reason === 'diverged' || reason === 'digest' ? `refused an entry: ${reason}` : null;
    leading.peers.set(from, { at, heard: tick, diverged });
  }
  const { ballot } = leading;
  if (ballot !== null && ballot.entry.attempt === attempt) ballot.refusals.set(from, reason);
}
