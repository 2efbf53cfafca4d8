import type { Effect, Proposal } from '../../../../../domain/gateway/replicate/effects.js';
import type { Standing } from '../../../../../domain/gateway/replicate/entry.js';
import type { Replica } from '../../../../../domain/gateway/replicate/replica.js';
import { decided, ended, entryOf, headAfter, hear, leader, only, propose, proposalOf, read, serverOf, voteFor } from './steps.js';

/** What the leader of term 4 proposes first. */
export const ENTRY = entryOf({ term: 4 });
export const AFTER = headAfter(ENTRY);

/** A leader whose own disk holds the entry that it has proposed. */
export function proposed(more: Partial<Proposal> = {}, options: Parameters<typeof leader>[1] = {}): Replica {
  const server = leader('a', options);
  propose(server, proposalOf('T1', more));
  ended(server);
  return server;
}

/** A leader whose entry has its votes; with what it asked for then. */
export function voted(options: Parameters<typeof leader>[1] = {}): { server: Replica; asked: readonly Effect[] } {
  const server = proposed({}, options);
  return { server, asked: hear(server, 'b', voteFor(ENTRY)) };
}

/** A leader whose disk is at the entry that it has proposed. */
export function begun(more: Partial<Proposal>): Replica {
  const server = leader();
  propose(server, proposalOf('T1', more));
  return server;
}

/** A leader of other members, and what it has proposed. */
export function leaderOf(applied: Standing, more: Partial<Proposal>) {
  const server = serverOf('a', { applied });
  const recorded = { head: { ...applied, term: 3 }, revision: 'first' };
  decided(server, read(server, server.step({ kind: 'won', term: 4 }), recorded));
  return { server, entry: only(propose(server, proposalOf('T1', more)), 'store').entry };
}
