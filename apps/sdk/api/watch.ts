import type { CallOptions } from './read.js';

/** What is watched, from where on, and when it ends. */
export interface WatchOptions extends CallOptions {
  /** The side whose watchlog is read; default: as the clone was opened. */
  readonly readFrom?: 'mirror' | 'stargate' | undefined;
  /** The ledger commit of the event to go on after, or `oldest`. Default: only what comes from now on. */
  readonly since?: string | undefined;
  /** Only events that changed a key which starts with this, and of these only such keys. */
  readonly prefix?: string | undefined;
  /** Ends after this many events. */
  readonly limit?: number | undefined;
  /** Ends after what is there now, instead of waiting for more. */
  readonly once?: boolean | undefined;
  /** How long to wait after events before asking again; idle, it grows to 2 s. Milliseconds; default 250. */
  readonly interval?: number | undefined;
  /** Hears what is to be known of the feed besides its events. */
  readonly onNotice?: ((notice: WatchNotice) => void) | undefined;
}

/** One accepted transaction. */
export interface WatchedEvent {
  /** The namespace that is watched. */
  readonly ns: string;
  /** The epoch that the transaction is of. */
  readonly epoch: string;
  /** The ledger commit. */
  readonly oid: string;
  /** The transaction, a ULID. */
  readonly txn: string;
  /** When the Stargate accepted it, by its own clock. ISO 8601 UTC. */
  readonly received: string;
  /** The name of the policy's key that signed it; `-` when unsigned. */
  readonly signer: string;
  /** How many keys were set. */
  readonly set: number;
  /** How many keys were deleted. */
  readonly del: number;
  /** The keys behind the counts; null when the ledger commit can't be had any more. */
  readonly keys: { readonly set: readonly string[]; readonly del: readonly string[] } | null;
  /** On the event that begins an epoch: the label of the one before. Else null. */
  readonly parentEpoch: string | null;
}

/** What a watch tells besides its events: that it began, that the connection is lost or back, that the source lags or has no watchlog. */
export type WatchNotice =
  | { readonly kind: 'started'; readonly resumeFrom: string }
  | { readonly kind: 'lost'; readonly error: Error; readonly retryInMs: number }
  | { readonly kind: 'back' }
  | { readonly kind: 'no-watchlog'; readonly waits: boolean }
  | { readonly kind: 'behind'; readonly since: string; readonly waits: boolean };

/** The feed of accepted transactions, each once, in the Stargate's order. To be iterated once. */
export interface Watch extends AsyncIterable<WatchedEvent> {
  /** What `since` must be to go on without a gap or a repeat after the events that were handed out. Null before the feed was begun. */
  readonly resumeFrom: string | null;
}
