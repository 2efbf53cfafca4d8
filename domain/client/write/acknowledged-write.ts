import { type KvError, toKvError } from '../../../ports/error.js';
import type { Clone } from '../clone/clone.js';
import { knownPolicy } from '../clone/policy/known-policy.js';
import { forgetOrdered } from '../clone/calls/ordered-writes.js';
import { withRefView } from '../clone/ref-view.js';
import { type Visible, waitForMirror } from '../remote/wait.js';
import type { Receipt } from './receipt.js';
import type { WriteRequest } from './request.js';
import { write } from './write.js';

interface AcknowledgedWriteRequest extends WriteRequest {
  /** Undefined: as the policy's `require_mirror_ack_by_default` says. */
  readonly wait?: boolean;
  readonly timeoutMs: number;
  /** Hears of the write as soon as it has landed, before the wait. */
  readonly onLanded?: (receipt: Receipt, waits: boolean) => Promise<void>;
}

interface AcknowledgedReceipt {
  readonly receipt: Receipt;
  /** Null when nobody waited. */
  readonly visible: Visible | null;
}

/**
 * Writes, and then waits for the mirror if that is asked for. Throws what `write` throws; `MIRROR_TIMEOUT` when it has
 * landed but isn't shown.
 */
export async function acknowledgedWrite(whole: Clone, request: AcknowledgedWriteRequest): Promise<AcknowledgedReceipt> {
  const clone = withRefView(whole, request.ns);
  const receipt = await write(clone, request);
  const { commit, ns } = receipt;
  const pushed = receipt.landed === 'stargate' && commit !== null;
  const waits = pushed && (request.wait ?? (await knownPolicy(clone))?.requireMirrorAckByDefault ?? false);
  await request.onLanded?.(receipt, waits);
  if (!waits) return { receipt, visible: null };
  try {
    const { timeoutMs, signal } = request;
    const visible = await waitForMirror(clone, { ns, oid: commit, timeoutMs, accepted: true, ...(signal ? { signal } : {}) });
    await forgetOrdered(clone, ns, [commit]); // whoever reads the mirror reads it
    return { receipt, visible };
  } catch (error) {
    throw landedAllTheSame(error, receipt);
  }
}

/** Whatever went wrong with the waiting, the write stands: an error that hid that would have it written twice. */
function landedAllTheSame(error: unknown, receipt: Receipt): KvError {
  const failure = toKvError(error);
  const { lostTtl, chunked, ...rest } = receipt;
  const shown = { ...rest, lost_ttl: lostTtl, chunked: chunked.map(({ newBytes, ...one }) => ({ ...one, new_bytes: newBytes })) };
  const message = `the write has landed as ${receipt.commit}, but ${failure.message}`;
  return failure.with({ message, details: { receipt: shown } });
}
