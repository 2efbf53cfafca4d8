import { keyBytes } from '../../ledger/value/key.js';
import { momentAt } from '../past/at.js';
import type { Clone } from '../clone/clone.js';
import { type Reading, type ReadRequest, readKeyIn } from '../read/read.js';

/**
 * Reads one key as of `<oid|time|txn>`, its TTL judged then. Throws `KEY_INVALID`, `NOT_FOUND`, `EXPIRED`, and `USAGE` for what
 * names no moment.
 */
export async function readKeyAt(clone: Clone, request: ReadRequest & { readonly at: string }): Promise<Reading> {
  keyBytes(request.key);
  const { ledger, time } = await momentAt(clone, request.ns, request.at, request);
  return readKeyIn(clone, request, ledger, time);
}
