import type { Oid } from '../../../ports/vocabulary.js';
import type { LedgerTrailers } from '../../ledger/transaction/attestation.js';
import type { Emit } from '../fault.js';
import type { Attested } from './chain.js';

/** Which repository transactions must be for. */
export interface RepositoryRule {
  /** Null: this one has no id, so that no transaction can be for it by name. */
  readonly id: string | null;
  /** A transaction that names none is a fault too. */
  readonly required: boolean;
}

/** A transaction that is for another repository is a fault, and one that is for none where each must name its own: `POLICY_VIOLATION`. */
export function checkRepository(emit: Emit, commit: Oid, named: string | null, { id, required }: RepositoryRule): void {
  if (named === id || (named === null && !required)) return;
  const facts = { repository: id, named };
  const fault = { code: 'POLICY_VIOLATION', subject: { commit }, facts } as const;
  if (named === null) {
    emit({
      ...fault,
      message: `commit ${commit} names no repository (KV-Repository), and the policy takes only what is made for this one`,
      hint: 'write with a git-kv that names the repository; fetch first, so that it knows which one this is',
      advice: { id: 'name-repository' },
    });
    return;
  }
  emit({
    ...fault,
    message: `commit ${commit} was made for repository ${named}, and this is ${id ?? 'one without an id'}`,
    hint: 'a transaction counts in the repository that it was signed for, and in no other: write the values again here',
    advice: { id: 'write-again-here' },
  });
}

/**
 * All transactions of a ledger that name a repository name the same: the one that is published, or, where none is known (`id` null), the
 * one that the first of them names. Those of before it had an id name none.
 */
export function checkOneRepository(emit: Emit, ledger: readonly Attested<LedgerTrailers>[], id: string | null): void {
  let rule = { id, required: false };
  for (const { oid, trailers } of ledger) {
    const named = trailers?.repository ?? null;
    if (named === null) continue;
    if (rule.id === null) rule = { id: named, required: false };
    checkRepository(emit, oid, named, rule);
  }
}
