/** What of a clone's state is read, and how new it must be. */

/** What every call takes. */
export interface CallOptions {
  /** The namespace; default: the clone's own (`Clone.ns`). A name that is none is `USAGE`. */
  readonly ns?: string | undefined;
  /**
   * Ends the call: what runs for it is ended, and it rejects with `INTERRUPTED` once nothing of it runs any more. Many calls may share one
   * signal.
   */
  readonly signal?: AbortSignal | undefined;
}

/** How new what is read must be. What is left out is as the clone was opened with. */
export interface ReadOptions extends CallOptions {
  /** The side that is asked: the mirror, which a clone's `url` names, or the Stargate, which has every write at once. */
  readonly readFrom?: 'mirror' | 'stargate' | undefined;
  /**
   * What was fetched less than this ago is answered from, and the other side is not asked. Milliseconds; 0: each read asks; `Infinity`: none
   * does that has anything to answer from. What this process has written is seen at once in any case, and so is what others write in the same
   * clone, but for sequenced namespaces, where it may take a second.
   */
  readonly maxAge?: number | undefined;
}

/** How one key is read. */
export interface GetOptions extends ReadOptions {
  /**
   * As of then: a ledger commit or its first digits, a time (ISO 8601, or `2h ago`), or a transaction or its last characters. TTLs are judged
   * as of then too.
   */
  readonly at?: string | undefined;
  /** Give a value whose TTL has passed; else that is `EXPIRED`. */
  readonly allowExpired?: boolean | undefined;
}

/** What is known of a key besides its value. */
export interface EntryFacts {
  /** The key, as it was written. */
  readonly key: string;
  /** Bytes of the value. */
  readonly size: number;
  /** The content type, `type/subtype`. */
  readonly ctype: string;
  /** When it expires, ISO 8601 UTC; null: never. */
  readonly ttl: string | null;
  /** Whether that time has passed. */
  readonly expired: boolean;
  /** `blake3:` and 64 hex digits, of the value. */
  readonly etag: string;
  /** When it was set, by the writer's clock: the writer's own word. ISO 8601 UTC. */
  readonly createdAt: string;
  /** The writer's mail address: the writer's own word. */
  readonly createdBy: string;
  /** The transaction that set it, a ULID. */
  readonly txn: string;
  /** The value's blob (of a large value: its manifest's), which `cas` takes as `expect`. */
  readonly oid: string;
  /** The ledger commit that was read. */
  readonly commit: string;
  /** Its root tree, which writes take as `expectTree`. */
  readonly tree: string;
  /** The epoch that the commit is of. */
  readonly epoch: string;
}

/** A key and its value. */
export interface Entry extends EntryFacts {
  /** The value's bytes, the caller's own. */
  readonly value: Uint8Array;
  /** The value as text. Throws `INPUT_INVALID` when it is no UTF-8. */
  text(): string;
  /** The value as JSON. Throws `INPUT_INVALID` when it is none; the error says nothing of the value. */
  json(): unknown;
}

/** A key, and its value as it comes. */
export interface EntryStream extends EntryFacts {
  /**
   * The value's bytes, in pieces of at most some MiB, to be read once. Every piece is checked before it is given, and the whole behind the last:
   * a value that is not the one that was written ends with `ATTESTATION_MISMATCH`.
   */
  readonly body: AsyncIterable<Uint8Array>;
}

/** Which keys are listed. */
export interface ListOptions extends GetOptions {
  /** Only keys that start with this. */
  readonly prefix?: string | undefined;
  /** Only keys that sort after this one. */
  readonly after?: string | undefined;
  /** At most so many. */
  readonly limit?: number | undefined;
  /** Also size, type and time of each, which costs two more objects a key. */
  readonly detail?: boolean | undefined;
}

/** A live key. */
export interface ListedKey {
  /** The key, as it was written. */
  readonly key: string;
  /** Present where it was asked for. `size` in bytes, times ISO 8601 UTC, the others as in `EntryFacts`. */
  readonly detail?: Pick<EntryFacts, 'size' | 'ctype' | 'ttl' | 'expired' | 'createdAt' | 'createdBy' | 'txn' | 'oid'>;
}
