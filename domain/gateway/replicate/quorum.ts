import { KvError } from '../../../ports/error.js';
import { isServerName } from '../../../ports/grammar/server-name.js';
import type { ServerId } from './entry.js';

/** Whose disks must hold a write before it is answered: the leader's, one more, or a majority's. */
export type Ack = 'leader' | 'standby' | 'quorum';

/** How many servers are more than half of so many. */
export const majorityOf = (servers: number): number => Math.floor(servers / 2) + 1;

/** How many of so many servers must have voted. */
export function votesNeeded(ack: Ack, servers: number): number {
  const majority = majorityOf(servers);
  if (ack === 'quorum') return majority;
  return Math.min(ack === 'leader' ? 1 : 2, majority);
}

/**
 * Whether the votes suffice for an entry that leads from some members to others (mostly the same): in both, so that the majority before
 * and the majority after have a server in common that holds it. A vote of a server that is no member counts for nothing.
 */
export function isQuorum(
  votes: ReadonlySet<ServerId>,
  before: readonly ServerId[],
  after: readonly ServerId[],
  ack: Ack,
): boolean {
  const suffices = (members: readonly ServerId[]): boolean => {
    let count = 0;
    for (const member of members) if (votes.has(member)) count++;
    return count >= votesNeeded(ack, members.length);
  };
  return suffices(before) && (before === after || suffices(after));
}

/** Throws `CONFIG_INVALID` unless members are names, each there once. */
export function checkMembers(members: readonly ServerId[]): void {
  const odd = members.find((member) => !isServerName(member));
  const twice = members.find((member, at) => members.findIndex((other) => other.toLowerCase() === member.toLowerCase()) !== at);
  if (members.length > 0 && odd === undefined && twice === undefined) return;
  const why =
    members.length === 0
      ? 'a cluster has at least one server'
      : odd !== undefined
        ? `'${odd.slice(0, 80)}' is no name of a server`
        : `two servers are called '${twice}'`;
  throw new KvError('CONFIG_INVALID', why, {
    hint: 'give each server a name of its own: letters, digits, dots, dashes, underscores',
  });
}
