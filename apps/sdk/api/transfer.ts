import type { ErrorCode } from '../../../ports/error.js';
import type { CallOptions, ReadOptions } from './read.js';

/** What goes into a snapshot. */
export interface SnapshotOptions extends ReadOptions {
  /** Only keys that start with this. */
  readonly prefix?: string | undefined;
  /** Also who set each key, when, and in which transaction. */
  readonly provenance?: boolean | undefined;
  /**
   * Where values above 1 MiB go, each as a file of the given name in `folder`, as the snapshot names it. Default: they stand in their lines,
   * and one above 16 MiB is `USAGE`.
   */
  readonly files?:
    | {
        readonly folder: string;
        readonly write: (name: string, content: AsyncIterable<Uint8Array>) => Promise<void>;
      }
    | undefined;
  /** Hears how many keys were exported so far. */
  readonly onProgress?: ((keys: number) => void) | undefined;
}

/** A state as JSON lines in pieces, in bounded memory; to be iterated once. `git kv import` reads it. */
export interface Snapshot extends AsyncIterable<Uint8Array> {
  /** What it holds; null before the last piece was given. */
  readonly summary: SnapshotSummary | null;
}

/** What a snapshot holds. */
export interface SnapshotSummary {
  /** The namespace. */
  readonly ns: string;
  /** The epoch that the state is of. */
  readonly epoch: string;
  /** The ledger commit whose state it is. */
  readonly commit: string;
  /** How many keys it has. */
  readonly keys: number;
  /** Of the key lines: equal content has an equal digest. */
  readonly sha256: string;
}

/** What is verified. */
export interface VerifyOptions extends CallOptions {
  /** Every epoch that is here, every transaction, every value and chunk. Default: the current epoch, and the last state. */
  readonly full?: boolean | undefined;
  /** Hears, in a few words, what is being verified. */
  readonly onProgress?: ((what: string) => void) | undefined;
}

/** What a verification found. */
export interface VerifyReport {
  /** The namespace. */
  readonly ns: string;
  /** Whether all of it was verified, as it was asked for. */
  readonly full: boolean;
  /** What was looked through, the newest epoch first; `bytes` of values, which only a full verification reads. */
  readonly epochs: readonly {
    readonly epoch: string;
    /** The newest ledger commit, and the first; null when the chain is broken. */
    readonly ledger: string;
    readonly root: string | null;
    readonly transactions: number;
    readonly keys: number;
    readonly values: number;
    readonly chunks: number;
    readonly bytes: number;
  }[];
  /** Every fault, in a sentence, and where it was found as far as that is known. None: what is here is sound. */
  readonly faults: readonly {
    readonly code: ErrorCode;
    readonly what: string;
    readonly epoch?: string;
    readonly ref?: string;
    readonly commit?: string;
    readonly key?: string;
    readonly object?: string;
  }[];
  /** What could not be checked here, or is worth knowing and no fault. */
  readonly notes: readonly string[];
}
