import type { Policy } from '../../../ports/stargate/policy-reader.js';
import { type AnswersTo, repositoryIds } from '../repository/repository-id.js';
import { type Identify, identifyBy } from './auth.js';
import type { ConnectionLimits } from './room/connections.js';

/** Who may come in, and by which names the repository goes. */
export interface Access {
  readonly identify: Identify;
  readonly answersTo: AnswersTo;
}

/** Access as the policy in force says; worked out once for each policy. */
export function accessBy(gitDir: string, policy: () => Policy): Access {
  let known: Policy | undefined;
  let access: Access = { identify: () => null, answersTo: () => false };
  const current = (): Access => {
    const inForce = policy();
    if (inForce !== known) access = { identify: identifyBy(inForce), answersTo: repositoryIds(gitDir, inForce.pushUrl) };
    known = inForce;
    return access;
  };
  return {
    identify: (type, blob) => current().identify(type, blob),
    answersTo: (path) => current().answersTo(path),
  };
}

/** The bounds that the policy in force sets; put together once for each policy, since each packet asks. */
export function limitsBy(policy: () => Policy): () => ConnectionLimits {
  let known: Policy | undefined;
  let bounds: ConnectionLimits;
  return () => {
    const inForce = policy();
    if (inForce !== known) bounds = { ...inForce.limits, connectionsPerKey: inForce.maxConnectionsPerKey };
    known = inForce;
    return bounds;
  };
}
