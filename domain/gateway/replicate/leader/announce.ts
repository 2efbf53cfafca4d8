import type { ServerId } from '../entry.js';
import type { Machine } from '../machine.js';

/** Everybody whom a leader speaks to: members, those of the entry under way, and servers that are to join. */
export function peersOf({ self, state }: Machine): ServerId[] {
  const { leading } = state;
  if (leading === null) return [];
  const all = new Set([...leading.head.members, ...(leading.ballot?.entry.members ?? []), ...leading.joining.keys()]);
  all.delete(self);
  return [...all];
}

/** Tells everybody what was decided last, and what is settled. */
export function announce(m: Machine): void {
  const { leading, tick, term } = m.state;
  if (leading === null) return;
  leading.beat = tick;
  for (const peer of peersOf(m)) m.send(peer, { kind: 'outcome', term, head: leading.head, settled: leading.settled });
}
