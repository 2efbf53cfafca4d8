import type { Oid } from '../../../ports/vocabulary.js';
import type { Target } from '../write/linear/land.js';

/** An epoch that has begun, and the one that it follows. */
export interface Rollover {
  readonly ns: string;
  readonly epoch: string;
  readonly parentEpoch: string;
  /** The new epoch's first ledger commit. */
  readonly commit: Oid;
  readonly parentLedger: Oid;
  readonly txn: string;
  readonly landed: Target;
}
