import type { PolicyKey } from '../../../ports/policy-reader.js';
import type { SignatureVerifier } from '../../../ports/signer.js';
import type { ObjectNamer } from '../../git/object.js';
import { listedOwner } from '../../verify/attestation/commit-signer.js';
import { type Clone, namerOf } from '../clone/clone.js';
import { knownPolicy } from '../clone/known-policy.js';
import type { LedgerCommit } from '../clone/tips.js';

/**
 * How it is known who made a change: `signature`: a key that the policy lists signed the ledger commit, and this clone has verified that;
 * `stargate`: by the name that the Stargate noted when it took the transaction; `claim`: by the writer's own word.
 */
export type AttributionSource = 'signature' | 'stargate' | 'claim';

/** Who made a change, and how that is known. */
export interface Attribution {
  readonly by: string;
  readonly source: AttributionSource;
}

/** Knows who signed ledger commits, by the policy that this clone has. Each commit's signature is verified once. */
export class Signers {
  private readonly names = new Map<string, Promise<string | null>>();
  private readonly owners = new Map<string, PolicyKey | null>();

  private constructor(
    private readonly namer: ObjectNamer,
    private readonly verifier: SignatureVerifier,
    private readonly listed: readonly PolicyKey[],
  ) {}

  /** Null where no policy is known, or nothing is to be verified. */
  static async of(clone: Clone, ns: string, verifier: SignatureVerifier | undefined): Promise<Signers | null> {
    const policy = verifier === undefined ? null : await knownPolicy(clone);
    if (policy === null || verifier === undefined) return null;
    const listed = [...(policy.namespaces.get(ns)?.writers ?? []), ...policy.admins];
    return new Signers(namerOf(clone), verifier, listed);
  }

  /** The name of the listed key that signed a commit; null when none did, or that can't be told here. */
  nameOf(link: LedgerCommit): Promise<string | null> {
    const { namer, verifier, listed, owners } = this;
    const known = this.names.get(link.oid) ?? listedOwner(namer, verifier, link, listed, owners).then((key) => key?.name ?? null);
    this.names.set(link.oid, known);
    return known;
  }
}
