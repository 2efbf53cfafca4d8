import type { ClusterStatus } from '../../../../domain/admin/cluster-status.js';
import type { ClusterMember } from './member.js';

/** A repository's cluster as this server sees it. */
export function memberStatus(member: ClusterMember): ClusterStatus {
  const { state, self, unreachable, takesOver } = member;
  const { applied, known, leading, takeover, diverged, leader, term } = state;
  const members = known?.members ?? applied.members;
  const others = new Set([...members, ...(leading?.joining.keys() ?? []), ...unreachable.keys()]);
  others.delete(self);
  return {
    server: self,
    role: diverged !== null ? 'diverged' : leading !== null ? 'leader' : takeover !== null ? 'taking over' : 'standby',
    ...{ term, leader, members, diverged },
    at: applied.sequence,
    decided: known?.sequence ?? applied.sequence,
    takeover: takesOver ? 'another server takes over by itself' : 'nobody takes over: the decision log is on one host',
    peers: [...others].sort().map((server) => {
      const peer = leading?.peers.get(server);
      return {
        server,
        at: peer?.at.sequence ?? null,
        unreachable: unreachable.get(server) ?? null,
        diverged: peer?.diverged ?? null,
      };
    }),
  };
}
