import type { Expectations } from './expectations.js';
import type { RequestedOperation } from './operations.js';

/** What is written, on which conditions. */
export interface WriteRequest extends Expectations {
  readonly ns: string;
  readonly operations: readonly RequestedOperation[];
  /** Build and report, but push nothing. */
  readonly dryRun?: boolean;
  /** The Stargate's newest state was read just now, so that a dry run needs not read it again. */
  readonly refreshed?: boolean;
  /** A deletion of a key that isn't there is `NOT_FOUND` instead of a warning. */
  readonly strictDelete?: boolean;
  /** What the ledger commit's message says above its trailers. */
  readonly subject?: string;
  /** What the writer should know of the operations, for the receipt. */
  readonly warnings?: readonly string[];
  /** Values above this are chunked, where the policy would keep them inline. Bytes. */
  readonly maxInline?: number;
  /** Ends what waits for the Stargate, with `INTERRUPTED`. */
  readonly signal?: AbortSignal | undefined;
  /** Told of a large value's bytes as they are read. */
  readonly onProgress?: (key: string, bytes: number) => void;
}
