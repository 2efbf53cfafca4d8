import type { ReplicaState } from '../../../../domain/gateway/replicate/machine.js';

/** What a step is part of: a write of a leader's own, or of another's, or the claim of who takes over. */
type Part = 'lead' | 'follow' | 'claim';
/** The steps of a write that a cluster decides: the entry is to be stored, is stored, is put, is decided, is to move refs, has moved them. */
export type ReplicaStep = 'prepare' | 'vote' | 'decide' | 'decided' | 'commit' | 'committed';
/** Where a test may stop a server of a cluster. */
export type ReplicaFailpoint = `${Part}-${ReplicaStep}`;

/** The failpoint of a step, for a server that leads, follows, or takes over. */
export function failpointOf({ leading, takeover }: Readonly<ReplicaState>, step: ReplicaStep): ReplicaFailpoint {
  const part: Part = takeover !== null ? 'claim' : leading !== null ? 'lead' : 'follow';
  return `${part}-${step}`;
}
