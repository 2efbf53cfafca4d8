import { quoteKey } from '../../ledger/value/key.js';
import type { Clone } from '../clone/clone.js';
import { inItsMode } from '../sequence/mode.js';
import { writeIntent } from './sequenced/write-intent.js';
import { whereTo } from './linear/land.js';
import { lastOfEach } from './operations.js';
import { type Prepared, prepareOperations } from './linear/prepare.js';
import type { Receipt } from './receipt.js';
import type { WriteRequest } from './request.js';
import { type PreparedOnce, writeLinear } from './linear/write-linear.js';

/**
 * Writes one transaction, in the way in which the namespace's ledger is written: of a linear one this clone makes the next commit, for a
 * sequenced one it signs an intent. A dry run always tells by what this clone has of the ledger. Throws `CAS_CONFLICT`, `NOT_FOUND`,
 * `KEY_INVALID`, `POLICY_VIOLATION`, and whatever the Stargate rejects with.
 */
export async function write(clone: Clone, request: WriteRequest): Promise<Receipt> {
  const { ns, maxInline, onProgress } = request;
  const ports = await clone.forWriting();
  const target = await whereTo(clone);
  const { kept, repeated } = lastOfEach(request.operations);
  const twice = repeated.map((key) => `key ${quoteKey(key)} stands there more than once: the last operation wins`);
  const warnings = [...(request.warnings ?? []), ...twice];
  let prepared: Promise<Prepared> | undefined;
  const prepare: PreparedOnce = (policy, chunks) =>
    (prepared ??= prepareOperations(
      clone,
      ports,
      { ns, policy, maxInline, chunks, ...(onProgress ? { onProgress } : {}) },
      kept,
    ));
  const linear = (): Promise<Receipt> => writeLinear(clone, ports, { request, target, kept, warnings, prepare });
  if (target === 'clone' || request.dryRun === true) return linear();
  const sequenced = (): Promise<Receipt> => writeIntent(clone, ports, { request, kept, warnings, prepare });
  return inItsMode(clone, ns, { linear, sequenced });
}
