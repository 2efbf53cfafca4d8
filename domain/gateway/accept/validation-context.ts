import type { Clock, Randomness } from '../../../ports/clock.js';
import { KvError } from '../../../ports/error.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { Policy, PolicyKey } from '../../../ports/stargate/policy-reader.js';
import type { SignatureVerifier } from '../../../ports/clone/signer.js';
import type { Oid } from '../../../ports/vocabulary.js';
import { parseLedgerMessage } from '../../ledger/transaction/attestation.js';
import { decodeCommit } from '../../git/commit.js';
import type { Bounds } from '../../git/bounds.js';
import type { ObjectNamer } from '../../git/object.js';
import { chunksRef } from '../../ledger/refs.js';
import type { RepositoryRule } from '../../verify/attestation/repository.js';
import type { ParentState } from '../../verify/check-transaction.js';
import type { CheckLimits } from '../limits/check-limits.js';
import type { CheckShare } from '../limits/check-budget.js';

/** What judging a push takes, besides the push. */
export interface ValidationContext {
  readonly namer: ObjectNamer;
  readonly verifier: SignatureVerifier;
  readonly randomness: Randomness;
  readonly clock: Clock;
  readonly policy: Policy;
  readonly sampleSize: number;
  /** How much is taken in at a time. */
  readonly bounds?: Bounds;
  /** Why a new epoch would not reach the mirror's readers; null where it would. Asked when one is to begin. */
  readonly newEpochs?: () => Promise<KvError | null>;
  /** How many transactions may come at once; absent: as many as the policy lets one push carry. */
  readonly maxChain?: number;
  /** The keys of sequencers, for what a mirror has; absent: nothing may have been made of intents, as in what writers push. */
  readonly sequencers?: readonly PolicyKey[];
  /** Which repository what is pushed must be for; absent: any. */
  readonly repository?: RepositoryRule;
  /** Whose push it is, by the name in the policy; absent: nobody's, such as what a mirror has. */
  readonly pusher?: string;
}

/** The same with bounds on what is taken in, whose memory is charged to a push's share. */
export function boundedContext<T extends ValidationContext>(context: T, limits: CheckLimits, share: CheckShare): T {
  const { treeEntries, manifestBytes } = limits;
  const bounds: Bounds = {
    ...{ treeEntries, manifestBytes },
    charge: (what, bytes) => share.charge(what, bytes),
    pause: () => context.clock.sleep(0),
  };
  return { ...context, bounds };
}

/** The state that tips stand for; the repository's own commits are trusted to be well formed. */
export async function stateAt(store: GitStore, ns: string, ledger: Oid | null, index: Oid | null): Promise<ParentState> {
  if (ledger === null || index === null) {
    return { ledgerTree: null, indexTree: null, chunksTree: null, epoch: null, parentEpoch: null };
  }
  const treeOf = async (oid: Oid): Promise<ReturnType<typeof decodeCommit>> => {
    const [object] = await store.read([oid]);
    if (!object) throw new KvError('CAS_CONFLICT', `tip ${oid} is not in the repository`);
    return decodeCommit(object.body, oid, store.objectFormat);
  };
  const commit = await treeOf(ledger);
  const { epoch, parentEpoch } = parseLedgerMessage(commit.message, ledger);
  const ref = chunksRef(ns, epoch);
  const chunks = (await store.refs([ref])).get(ref);
  return {
    ledgerTree: commit.tree,
    indexTree: (await treeOf(index)).tree,
    chunksTree: chunks === undefined ? null : (await treeOf(chunks)).tree,
    epoch,
    parentEpoch,
  };
}
