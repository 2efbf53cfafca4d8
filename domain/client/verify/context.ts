import type { GitStore } from '../../../ports/git/git-store.js';
import type { Policy, PolicyKey } from '../../../ports/stargate/policy-reader.js';
import type { SignatureVerifier } from '../../../ports/clone/signer.js';
import type { ObjectNamer } from '../../git/object.js';
import { about, type RuleContext } from '../../verify/fault.js';
import type { FindingPlace, Findings } from './findings.js';

/** What the parts of a verification share. */
export interface VerifyContext {
  readonly store: GitStore;
  readonly namer: ObjectNamer;
  readonly verifier: SignatureVerifier;
  /** As published and last fetched; null when this clone has none. */
  readonly policy: Policy | null;
  /** The keys of sequencers, as published and last fetched. */
  readonly sequencers: readonly PolicyKey[];
  /** The repository's id, as published and last fetched; null: none is known. */
  readonly repositoryId: string | null;
  /** The clone has no remote: its ledgers may be unsigned. */
  readonly alone: boolean;
  /** Blobs are here; false in a clone that was made with a filter, where git would fetch each one. */
  readonly blobs: boolean;
  readonly ns: string;
  readonly findings: Findings;
  readonly onProgress: (what: string) => void;
}

/** What a rule is given here: its faults are kept, with where the walk is. */
export function rulesAt({ store, namer, ns, findings }: VerifyContext, place: FindingPlace): RuleContext {
  return { store, namer, ns, emit: about(findings.emit, place) };
}

/** What was checked. Bytes are those of values. */
export interface Tally {
  transactions: number;
  keys: number;
  values: number;
  chunks: number;
  bytes: number;
}
