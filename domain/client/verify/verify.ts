import { KvError } from '../../../ports/error.js';
import type { SignatureVerifier } from '../../../ports/clone/signer.js';
import { absentNamespace } from '../clone/policy/absent-namespace.js';
import { type Clone, namerOf } from '../clone/clone.js';
import { knownPublished, NOTHING_PUBLISHED, type Published } from '../clone/policy/known-policy.js';
import { chunksOf, verifyArchives } from './archives.js';
import type { VerifyContext } from './context.js';
import { type VerifiedEpoch, verifyEpoch } from './epoch/verify-epoch.js';
import { EnoughFaults, type Finding, Findings, MOST_FAULTS, type Note } from './findings.js';
import { checkPair, checkPlaces, readRefs, type Refs, startOf } from './check-refs.js';
import { soundStore } from './sound-store.js';
import { checkIntents } from './check-intents.js';
import { checkWatchlog } from './check-watchlog.js';
import { checkWatermark } from './watermark.js';

/** What to verify. */
interface VerifyRequest {
  readonly ns: string;
  /** Every epoch that is here, every transaction, every value and chunk. */
  readonly full: boolean;
  readonly onProgress?: (what: string) => void;
}

/** What was found: every fault, and notes that are no faults. */
export interface VerifyReport {
  readonly ns: string;
  readonly full: boolean;
  /** Newest first. */
  readonly epochs: readonly VerifiedEpoch[];
  readonly faults: readonly Finding[];
  readonly notes: readonly Note[];
}

/**
 * Verifies what this clone has of a namespace, and fetches nothing: refs, attestation, signatures, and ledger, index, chunks, watchlog
 * and watermark against each other. Gives every fault that was found. Throws `NOT_FOUND` when there is nothing to verify.
 */
export async function verifyClone(clone: Clone, verifier: SignatureVerifier, request: VerifyRequest): Promise<VerifyReport> {
  const { ns, full } = request;
  const places = await readRefs(clone, ns);
  if (places.length === 0) throw await absentNamespace(clone, ns, true); // it fetches nothing
  const findings = new Findings();
  const context = await contextOf(clone, verifier, request, findings);
  const epochs: VerifiedEpoch[] = [];
  try {
    await verifyPlaces(clone, context, places, full, epochs);
  } catch (error) {
    if (!(error instanceof EnoughFaults)) throw error;
    findings.note(`after ${MOST_FAULTS} faults the verification ended: there may be more`);
  }
  return { ns, full, epochs, faults: findings.faults, notes: findings.notes };
}

/** Verifies what refs show of a namespace, and adds the epochs that it has looked through. */
async function verifyPlaces(
  clone: Clone,
  context: VerifyContext,
  places: readonly Refs[],
  full: boolean,
  epochs: VerifiedEpoch[],
): Promise<void> {
  const { findings } = context;
  for (const place of places) await checkPair(context, place);
  const start = await startOf(clone, context, places);
  if (start === null) return;
  const { label, ledger, index, place } = start;
  const names = { ledgerName: place.ledgerName, indexName: place.indexName };
  const current = await verifyEpoch(context, {
    label,
    ledger,
    index,
    chunks: await chunksOf(clone, context, label),
    ...names,
    full,
  });
  epochs.push(current);
  await checkPlaces(context, places, current);
  if (full) epochs.push(...(await verifyArchives(clone, context, current)));
  else if (current.parentEpoch !== null) findings.note('earlier epochs were not verified', 1, { id: 'verify-epochs' });
  for (const epoch of epochs) {
    await checkWatchlog(context, epoch, full);
    await checkIntents(clone, context, epoch);
  }
  await checkWatermark(context, epochs, full);
}

async function contextOf(
  clone: Clone,
  verifier: SignatureVerifier,
  { ns, onProgress }: VerifyRequest,
  findings: Findings,
): Promise<VerifyContext> {
  const namer = namerOf(clone);
  const partial = clone.store.capabilities.partial === true;
  if (partial)
    findings.note(
      'this clone was made with a filter: values, metadata, pointers and manifests were not read; verify in a complete clone',
    );
  let published: Published = NOTHING_PUBLISHED;
  try {
    published = await knownPublished(clone);
  } catch (error) {
    if (!KvError.is(error)) throw error;
    findings.note(`the published policy can't be read here: ${error.message}`);
  }
  return {
    store: soundStore(clone.store, namer, findings),
    namer,
    verifier,
    ...published,
    alone: (await clone.remotes.url(clone.remoteName, 'read')) === null,
    blobs: !partial,
    ns,
    findings,
    onProgress: onProgress ?? (() => undefined),
  };
}
