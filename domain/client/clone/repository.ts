import { KvError } from '../../../ports/error.js';
import type { Published } from './policy/known-policy.js';
import type { Tip } from './tips.js';

/**
 * Which repository a transaction is to name: the published one, or that of the transaction that it builds on where nothing is known to be
 * published. Gives an error when the two differ: what is signed for one Stargate is not to be had by whoever shows the policy of another.
 */
export function repositoryFor({ repositoryId }: Pick<Published, 'repositoryId'>, tip: Tip | null): string | null | KvError {
  const before = tip?.trailers.repository ?? null;
  if (repositoryId === null || before === null || before === repositoryId) return repositoryId ?? before;
  return new KvError(
    'ATTESTATION_MISMATCH',
    `the ledger of ${tip?.ns} was written for repository ${before}, and the published policy is that of ${repositoryId}`,
    { hint: 'verify this clone, and ask the operator of the Stargate which of the two it is', advice: { id: 'verify-clone' } },
  );
}

/** Whether a Stargate refused a transaction for the repository that it names, or for naming none. */
export function isForAnother(error: unknown): boolean {
  return KvError.is(error) && error.code === 'POLICY_VIOLATION' && error.details !== undefined && 'repository' in error.details;
}
