import type { Policy, PolicyKey } from '../../../ports/stargate/policy-reader.js';
import type { SignatureVerifier } from '../../../ports/clone/signer.js';
import type { ObjectNamer } from '../../git/object.js';
import { KvError } from '../../../ports/error.js';
import { listedOwner } from '../../verify/attestation/commit-signer.js';
import { openAll } from '../past/epoch-chain.js';
import { throwFault } from '../../verify/fault.js';
import { checkSequenced, isSequenced, type SequencedLink } from '../../verify/sequenced.js';
import { type Clone, namerOf } from '../clone/clone.js';
import { knownPublished } from '../clone/policy/known-policy.js';
import type { LedgerCommit } from '../clone/tips.js';

/**
 * How it is known who made a change. `signature`: a key that the policy lists signed the ledger commit, or the intent that it was made of,
 * and this clone has verified that; `stargate`: by the name that the Stargate noted when it took the transaction; `claim`: by the
 * writer's own word.
 */
export type AttributionSource = 'signature' | 'stargate' | 'claim';

/** Who made a change, and how that is known. */
export interface Attribution {
  readonly by: string;
  readonly source: AttributionSource;
}

/** Whom the Stargate has noted as a transaction's signer; null where it has noted none, or what it has noted can't be had. */
export function notedBy(noted: string | null): Attribution | null {
  return noted === null || noted === '-' ? null : { by: noted, source: 'stargate' };
}

/** Knows who signed ledger commits, by the policy that this clone has. Each commit's signature is verified once. */
export class Signers {
  private readonly names = new Map<string, Promise<string | null>>();
  private readonly owners = new Map<string, PolicyKey | null>();
  private readonly namer: ObjectNamer;
  private readonly writers: readonly PolicyKey[];

  private constructor(
    private readonly clone: Clone,
    private readonly ns: string,
    private readonly verifier: SignatureVerifier,
    private readonly policy: Policy,
    private readonly sequencers: readonly PolicyKey[],
  ) {
    this.namer = namerOf(clone);
    this.writers = policy.namespaces.get(ns)?.writers ?? [];
  }

  /** Null where no policy is known, or nothing is to be verified. */
  static async of(clone: Clone, ns: string, verifier: SignatureVerifier | undefined): Promise<Signers | null> {
    if (verifier === undefined) return null;
    const { policy, sequencers } = await knownPublished(clone);
    return policy === null ? null : new Signers(clone, ns, verifier, policy, sequencers);
  }

  /**
   * The name of the listed key that signed a commit, or, where it was made of an intent, that signed this; null when none did, or that
   * can't be told here.
   */
  nameOf(link: LedgerCommit): Promise<string | null> {
    const { namer, verifier, writers, policy, owners } = this;
    const listed = [...writers, ...policy.admins];
    const name =
      this.names.get(link.oid) ??
      (isSequenced(link)
        ? this.intentSigner(link)
        : listedOwner(namer, verifier, link, listed, owners).then((key) => key?.name ?? null));
    this.names.set(link.oid, name);
    return name;
  }

  /**
   * An intent's signature says nothing of the ledger commit unless that is what comes of the intent: both are held against each other as
   * a verification does it. Null where the intent is not here, as in a clone that never asked for them.
   */
  private async intentSigner(link: LedgerCommit & SequencedLink): Promise<string | null> {
    const { clone, namer, ns, verifier, sequencers, writers: listed } = this;
    const { store } = clone;
    try {
      const [intent] = await store.headers([link.trailers.intent]);
      if (!intent) return null;
      const [parent] = await openAll(clone, link.commit.parents);
      const rules = { store, namer, ns, emit: throwFault };
      const judges = { verifier, sequencers, listed, role: 'writer' } as const; // an epoch, which an admin begins, changes no key
      return await checkSequenced(rules, judges, link, parent?.commit.tree ?? null);
    } catch (error) {
      if (KvError.is(error)) return null; // nobody's word is believed then: a verification says what is wrong
      throw error;
    }
  }
}
