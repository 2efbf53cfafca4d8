import { KvError } from '../../../../ports/error.js';
import type { NamespacePolicy } from '../../../../ports/stargate/policy-reader.js';
import { tooManyObjects } from '../../../git/wire/push-request.js';
import { newUlid } from '../../../ledger/ulid.js';
import type { Clone, WritingPorts } from '../../clone/clone.js';
import { knownPublished } from '../../clone/policy/known-policy.js';
import { chunksKnown, rememberManifests } from '../value/known-chunks.js';
import { isRefusedBy, type RequestedOperation } from '../operations.js';
import type { Prepared } from '../linear/prepare.js';
import { orderedReceipt, type Receipt } from '../receipt.js';
import type { WriteRequest } from '../request.js';
import type { PreparedOnce } from '../linear/write-linear.js';
import type { SignedIntent } from '../../sequence/signed-intent.js';
import { buildIntent } from './build-intent.js';
import { makeRoom } from '../linear/make-room.js';
import { unlessInterrupted } from '../../../../ports/unless-interrupted.js';
import { fetchPolicy } from '../../sequence/mode.js';
import { movedEpoch, orderInEpoch } from '../../sequence/epoch-of-intent.js';
import { sessionOf } from '../../sequence/sessions.js';

/** What is written, made ready as far as it is the same in any ledger. */
export interface IntentRequest {
  readonly request: WriteRequest;
  /** The operations, one for each key. */
  readonly kept: readonly RequestedOperation[];
  readonly warnings: readonly string[];
  readonly prepare: PreparedOnce;
}

/**
 * Writes one transaction of a sequenced ledger: signs an intent and has the Stargate order it. Reads no state of the ledger, so that it
 * costs the same however large that is, and meets no race: what is expected of single keys is judged when it is ordered. Throws what the
 * Stargate says, and `POLICY_VIOLATION` by the policy as this clone knows it.
 */
export async function writeIntent(
  clone: Clone,
  ports: WritingPorts,
  { request, kept, warnings, prepare }: IntentRequest,
): Promise<Receipt> {
  const { ns, signal } = request;
  sessionOf(clone); // comes up while the rest is done
  let published = await knownPublished(clone);
  let fresh = false;
  const refreshOnce = async (): Promise<void> => {
    await fetchPolicy(clone);
    published = await knownPublished(clone);
    fresh = true;
  };
  const policy = (): NamespacePolicy | null => published.policy?.namespaces.get(ns) ?? null;
  if (isRefusedBy(policy(), ns, kept)) await refreshOnce();
  const values: { prepared: Prepared | null; whole: boolean } = { prepared: null, whole: false };
  const now = Math.floor(clone.clock.now() / 1000) * 1000; // as the author's time has it
  const txn = newUlid(clone.clock, ports.randomness);
  const build = async (epoch: string | null, repository: string): Promise<SignedIntent> => {
    const prepared = values.prepared ?? (await prepare(policy(), (key) => chunksKnown(clone, ns, epoch, [key])));
    values.prepared = prepared;
    const intent = await buildIntent(clone, ports, prepared.operations, {
      ...{ trailers: { ns, txn, epoch, repository }, now, subject: request.subject, policy: policy() },
      ...{ expected: request, strictDelete: request.strictDelete === true },
      find: values.whole ? undefined : chunksKnown(clone, ns, epoch, large(prepared)),
    });
    const objects = intent.objects.length + intent.chunks.length;
    const most = published.policy?.maxPushObjects ?? Number.POSITIVE_INFINITY;
    if (objects > most) throw tooManyObjects(objects, most);
    return intent;
  };
  for (;;) {
    try {
      const { ordered, intent, retries } = await unlessInterrupted(
        orderInEpoch(clone, ports, { ns, build, published, signal }),
        signal,
        () => interrupted(ns, txn),
      );
      const made = await makeRoom(clone, ns, ordered);
      const prepared = values.prepared ?? { operations: [], chunked: [] };
      if (ordered.commit !== null) await rememberManifests(clone, ns, ordered.epoch, intent);
      const unsigned = intent.unsigned === null ? [] : [`the commit is not signed: ${intent.unsigned}`];
      return orderedReceipt({ request, prepared, ordered, retries }, [...warnings, ...made, ...unsigned]);
    } catch (error) {
      // A value that could not be read to its end can't be read again.
      if (values.prepared === null || !KvError.is(error)) throw error;
      // The epoch may lack a chunk after all that this clone took to be there: then all of them are sent.
      if (!values.whole && error.code === 'ATTESTATION_MISMATCH' && large(values.prepared).length > 0) {
        values.whole = true;
        continue;
      }
      if (fresh || !mayBeOld(error)) throw error;
      const before = published;
      await refreshOnce();
      // What was refused by the policy that this clone knows, or for want of knowing it, is judged by the newest; the rest stands.
      if (published === before) throw error;
    }
  }
}

/** Whether a refusal may come of what this clone knows of the policy or of the repository being old. */
function mayBeOld(error: unknown): boolean {
  if (!KvError.is(error) || movedEpoch(error) !== undefined) return false;
  const ofMode = error.details?.['ledger_mode'] !== undefined;
  return (error.code === 'POLICY_VIOLATION' && !ofMode) || error.code === 'ATTESTATION_MISMATCH';
}

/** The error of a write that was interrupted: what had been sent of it can't be taken back. */
function interrupted(ns: string, txn: string): KvError {
  return new KvError('INTERRUPTED', `interrupted while the Stargate was asked for transaction ${txn}`, {
    hint: 'it may land all the same: look for it in the history before you write again',
    advice: { id: 'look-for-transaction', ns, txn },
    details: { ns, txn, landed: 'unknown' },
  });
}

/** The keys whose values lie in chunks. */
function large({ operations }: Prepared): string[] {
  return operations.flatMap((one) => (one.op === 'set' && !(one.value instanceof Uint8Array) ? [one.key] : []));
}
