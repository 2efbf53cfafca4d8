import type { Entry, EntryStream, GetOptions, ListedKey, ListOptions, ReadOptions } from './read.js';

/** How far back a key's history is read. */
export interface HistoryOptions extends ReadOptions {
  /** At most so many, the newest. */
  readonly limit?: number | undefined;
  /** Go on into earlier epochs; else only the current one. */
  readonly epochs?: boolean | undefined;
  /** Verify no signature: `by` is then what the Stargate noted, or the writer's word. */
  readonly claims?: boolean | undefined;
}

/** Who it was, and who says so. */
export interface Attribution {
  /** The name of the policy's key that signed, the name that the Stargate noted, or the author's own word. */
  readonly by: string;
  /** Whether that was verified, or is the Stargate's note or the writer's own word. */
  readonly source: 'signature' | 'stargate' | 'claim';
}

/** One transaction that changed a key. */
export interface HistoryEntry extends Attribution {
  /** The ledger commit. */
  readonly commit: string;
  /** The transaction, a ULID. */
  readonly txn: string;
  /** The epoch that it is of. */
  readonly epoch: string;
  /** The writer's clock, ISO 8601 UTC. */
  readonly time: string;
  /** `Name <mail>` of the ledger commit's author. */
  readonly author: string;
  /** Whether the commit carries a signature. */
  readonly signed: boolean;
  /** The signer's name as the Stargate noted it; null where no watchlog can be had. */
  readonly signer: string | null;
  /** When the Stargate accepted it, by its own clock, ISO 8601 UTC; null where no watchlog can be had. */
  readonly received: string | null;
  /** What it did to the key. */
  readonly op: 'set' | 'del';
  /** Bytes of the value set; null for a deletion. */
  readonly size: number | null;
  /** The value's blob (of a large value: its manifest's); null for a deletion. */
  readonly oid: string | null;
  /** The first line of the commit's message. */
  readonly subject: string;
  /** What the writer added below the first line; mostly nothing. */
  readonly body: string;
}

/** Which keys are told apart. */
export interface DiffOptions extends ReadOptions {
  /** Only keys that start with this. */
  readonly prefix?: string | undefined;
}

/** A state of the past, as it was found. */
export interface Moment {
  /** The ledger commit. */
  readonly commit: string;
  /** Its root tree. */
  readonly tree: string;
  /** The epoch that it is of. */
  readonly epoch: string;
  /** When TTLs are judged: the time asked for, or the commit's. ISO 8601 UTC. */
  readonly time: string;
  /** How it was found; of a time, whether by the Stargate's clock or by the committer's. */
  readonly by: 'now' | 'oid' | 'txn' | 'received' | 'committed';
}

/** A key that differs between two states. */
export interface KeyChange {
  /** The key, as it was written. */
  readonly key: string;
  /** `rewritten`: the same value, set again, perhaps with another TTL or content type. */
  readonly change: 'added' | 'changed' | 'removed' | 'rewritten';
  /** The value in the state before; null: it was not there. */
  readonly before: DiffSide | null;
  /** The value in the state after; null: it is not there. */
  readonly after: DiffSide | null;
}

/** A value on one side: its blob, and its bytes. */
export interface DiffSide {
  /** The value's blob (of a large value: its manifest's). */
  readonly oid: string;
  /** Bytes. */
  readonly size: number;
}

/** Two states, and the keys that differ. */
export interface Diff {
  /** The state before. */
  readonly from: Moment;
  /** The state after. */
  readonly to: Moment;
  /** In the order of the keys' urlsafe forms. */
  readonly changes: readonly KeyChange[];
}

/** Of which keys it is asked who changed them last. */
export interface BlameOptions extends ReadOptions {
  /** Only keys that start with this. */
  readonly prefix?: string | undefined;
  /** Also give the ledger commits, and go into earlier epochs for them. */
  readonly commits?: boolean | undefined;
  /** Verify no signature, and walk no history: `by` is the writer's word. */
  readonly claims?: boolean | undefined;
}

/** Who last changed a key. */
export interface Blame extends Attribution {
  /** The key, as it was written. */
  readonly key: string;
  /** When it was set, as its metadata says: the writer's own word. ISO 8601 UTC. */
  readonly time: string;
  /** The writer's mail address, as its metadata says. */
  readonly author: string;
  /** The transaction that set it, a ULID. */
  readonly txn: string;
  /** The ledger commit. Present where it was asked for; null when its epoch can't be had any more. */
  readonly commit?: string | null;
}

/**
 * A namespace as it was, or is, at one moment: all that is read of it is of one state, whatever is written meanwhile, and nothing is asked of
 * the other side but chunks of large values.
 *
 * @example
 * const before = await clone.at('2h ago');
 * const then = (await before.get('cfg:limit')).text();
 */
export interface State extends Moment {
  /** The namespace that is read. */
  readonly ns: string;
  /** As `Clone.get`. */
  get(key: string, options?: Pick<GetOptions, 'allowExpired' | 'signal'>): Promise<Entry>;
  /** As `Clone.getStream`. */
  getStream(key: string, options?: Pick<GetOptions, 'allowExpired' | 'signal'>): Promise<EntryStream>;
  /** As `Clone.list`. */
  list(
    options?: Pick<ListOptions, 'prefix' | 'after' | 'limit' | 'detail' | 'allowExpired' | 'signal'>,
  ): AsyncIterable<ListedKey>;
}
