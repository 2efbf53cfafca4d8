import type { CloneCache } from '../../../../ports/clone/clone-cache.js';
import type { NamespacePolicy, Policy, PolicyKey } from '../../../../ports/stargate/policy-reader.js';
import type { Oid } from '../../../../ports/vocabulary.js';

/**
 * The shape of what is kept. To be raised with every change of the `Policy` record, so that what an earlier build kept is read from
 * the policy itself again: a test compares the record with the one that this number stands for.
 */
export const POLICY_SHAPE = 7;

const NAME = 'policy';

interface Kept {
  readonly shape: number;
  readonly commit: Oid;
  readonly repositoryId: string | null;
  readonly sequencers: readonly PolicyKey[];
  readonly policy: Omit<Policy, 'namespaces'> & { readonly namespaces: readonly (readonly [string, NamespacePolicy])[] };
}

/** What a clone needs to know of what the Stargate published. */
export interface PublishedPolicy {
  readonly policy: Policy;
  /** The repository's id; null: it has none yet. */
  readonly repositoryId: string | null;
  /** The keys with which ledger commits are signed that are made of intents, the one in use first. */
  readonly sequencers: readonly PolicyKey[];
}

/** What a published commit says, as an earlier command has read it; null when none has. Reading YAML costs more than a write. */
export async function keptPolicy(cache: CloneCache, commit: Oid): Promise<PublishedPolicy | null> {
  const text = await cache.get(NAME);
  if (text === null) return null;
  try {
    const kept = JSON.parse(text) as Kept; // written by `keepPolicy`; another shape or commit counts as nothing
    const { shape, policy, repositoryId, sequencers } = kept;
    if (shape !== POLICY_SHAPE || kept.commit !== commit || repositoryId === undefined) return null;
    return { policy: { ...policy, namespaces: new Map(policy.namespaces) }, repositoryId, sequencers };
  } catch {
    return null; // damaged: the policy itself is read
  }
}

/** Keeps what was read of a published commit, in place of what was kept before. */
export async function keepPolicy(
  cache: CloneCache,
  commit: Oid,
  { policy, repositoryId, sequencers }: PublishedPolicy,
): Promise<void> {
  const namespaces = [...policy.namespaces];
  const kept: Kept = { shape: POLICY_SHAPE, commit, repositoryId, sequencers, policy: { ...policy, namespaces } };
  await cache.put(NAME, JSON.stringify(kept));
}
