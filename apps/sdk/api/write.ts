import type { CallOptions } from './read.js';

/** What a value is made of: text is written as UTF-8. */
export type ValueInput = string | Uint8Array;

/** Bytes that are read once, as they come: a Node stream, a web stream, or a generator. A stream of text is `USAGE`. */
export type StreamInput = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** What is said of a value besides its bytes. */
export interface ValueOptions {
  /** The content type, `type/subtype`; default `application/octet-stream`. */
  readonly ctype?: string | undefined;
  /** How long the key lives from now on. Milliseconds, above 0. Default: what the policy says, which mostly is for ever. */
  readonly ttl?: number | undefined;
  /** Instead of `ttl`, when it expires. A `Date`, or milliseconds since the epoch. */
  readonly expiresAt?: Date | number | undefined;
  /** Keep the TTL that the key has; default: it is lost, and the receipt names the key in `lostTtl`. */
  readonly keepTtl?: boolean | undefined;
}

/** How a transaction is written, whatever is in it. */
export interface WriteOptions extends CallOptions {
  /** What the ledger commit's message says above its trailers. */
  readonly message?: string | undefined;
  /** The ledger's root tree that the writer has seen: a lost race is then `CAS_CONFLICT`, else it is read and built again. */
  readonly expectTree?: string | undefined;
  /** Wait until the mirror shows the write. Default: as the policy says, which mostly is no. */
  readonly wait?: boolean | undefined;
  /** How long to wait for the mirror before `MIRROR_TIMEOUT`. Milliseconds; default 60,000. */
  readonly timeout?: number | undefined;
  /** Build and report, and write nothing. */
  readonly dryRun?: boolean | undefined;
  /** Values above this are stored in chunks, where the policy would keep them whole. Bytes. */
  readonly maxInline?: number | undefined;
}

/** How one value is written. */
export interface SetOptions extends WriteOptions, ValueOptions {}

/** A compare-and-set. */
export interface CasOptions extends SetOptions {
  /** The blob that the key must have, an `oid` as `get` gives it; null: the key must not exist. */
  readonly expect?: string | null | undefined;
}

/** How several operations are written as one. */
export interface TransactOptions extends WriteOptions {
  /** The blobs that keys must have, written to or not; null: the key must not exist. Else `CAS_CONFLICT`, and nothing is written. */
  readonly expect?: Readonly<Record<string, string | null>> | undefined;
}

/** One operation of a transaction. */
export type Operation =
  | ({ readonly op: 'set'; readonly key: string; readonly value: ValueInput | StreamInput } & ValueOptions)
  | { readonly op: 'del'; readonly key: string };

/** What a write did, or would do on a dry run. */
export interface Receipt {
  /** The namespace that was written to. */
  readonly ns: string;
  /** The ledger commit; null when nothing was changed, or on a dry run. */
  readonly commit: string | null;
  /** The transaction, a ULID; null as `commit` is. */
  readonly txn: string | null;
  /** The epoch that the transaction is of. */
  readonly epoch: string;
  /** The ledger's root tree afterwards; null on a dry run, or where there is none. */
  readonly tree: string | null;
  /** Keys that were set. */
  readonly set: readonly string[];
  /** Keys that were deleted. */
  readonly del: readonly string[];
  /** Keys of which nothing was changed: those that were not there to be deleted. */
  readonly unchanged: readonly string[];
  /** Keys that had a TTL and have none now, though nobody said that they should lose it. */
  readonly lostTtl: readonly string[];
  /** Bytes of the values set. */
  readonly bytes: number;
  /** Values that were stored in chunks: sizes in bytes, and how many chunks were there before. */
  readonly chunked: readonly {
    readonly key: string;
    readonly size: number;
    readonly chunks: number;
    readonly reused: number;
    readonly newBytes: number;
  }[];
  /** Races lost before the write landed. */
  readonly retries: number;
  /** Where it has landed: `clone` alone in a repository without a remote, the `reality` that was opened, `nowhere` when nothing was to be changed. */
  readonly landed: 'stargate' | 'clone' | 'reality' | 'nowhere';
  /** What is to be known of the write besides, in sentences. */
  readonly warnings: readonly string[];
  /** When it was waited for: the mirror shows it, after so many milliseconds. */
  readonly visible: Visible | null;
}

/** Which write is waited for, and how long. */
export interface WaitOptions extends CallOptions {
  /** Milliseconds; default 60,000. */
  readonly timeout?: number | undefined;
}

/** The mirror shows a write. */
export interface Visible {
  /** The ledger commit that was waited for. */
  readonly oid: string;
  /** The watermark that was found: the commit itself or a later one. */
  readonly watermark: string;
  /** Milliseconds. */
  readonly waitedMs: number;
}
