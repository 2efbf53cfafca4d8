import type { RefUpdate, WatchEvent } from '../vocabulary.js';

/** What the commit step is about to do. Written and synced before the first ref moves. */
export interface IntentRecord {
  readonly kind: 'intent';
  /** Unique and increasing within a journal (a ULID). */
  readonly id: string;
  /** The lease's fencing term. */
  readonly term: number;
  /** ISO 8601 UTC. */
  readonly ts: string;
  readonly updates: readonly RefUpdate[];
  readonly events: readonly WatchEvent[];
  /** Its place in the history that the servers of a cluster share; absent where there is none. */
  readonly entry?: IntentEntry;
}

/** What an intent is in a cluster: one entry of the repository's history, proposed in the intent's term. */
export interface IntentEntry {
  readonly sequence: number;
  /** Grows with each entry that is proposed in a term. */
  readonly attempt: number;
  /** The digests of all tips and members that it builds on, and leads to. */
  readonly before: string;
  readonly after: string;
  /** The members from this entry on. */
  readonly members: readonly string[];
}

/** How an intent ended: its refs are at `next` (`done`), or at `old` (`aborted`). */
export interface OutcomeRecord {
  readonly kind: 'done' | 'aborted';
  readonly id: string;
}

/** The mirror shows everything up to and with this intent. */
export interface MirroredRecord {
  readonly kind: 'mirrored';
  readonly id: string;
  /** ISO 8601 UTC. */
  readonly ts: string;
}

/** Anything that stands in a journal. */
export type JournalRecord = IntentRecord | OutcomeRecord | MirroredRecord;

/** What a journal promises. */
export interface JournalCapabilities {
  /** A synced record survives a power failure. */
  readonly durable: boolean;
  /** Another process may open it and replay while its writer goes on, and neither notices: so a backup has it. Absent: it may not. */
  readonly readBeside?: boolean;
}

/** When an append has happened. */
export interface AppendOptions {
  /** Resolve only once the record is durable (the default). Without it, the record is durable with the next synced one. */
  readonly sync?: boolean;
}

/**
 * An append-only log of the commit step. Single writer: the lease's holder.
 *
 * Promised: `replay` gives the records in the order they were appended; a record is there whole or not at all
 * (a torn tail is dropped); a damaged record that is not the tail is `JOURNAL_CORRUPT`.
 * An append that found no room is `STORAGE_FULL`: the record is not there, all earlier ones are, and once there is room the journal
 * goes on by itself.
 */
export interface Journal {
  readonly capabilities: JournalCapabilities;
  append(record: JournalRecord, options?: AppendOptions): Promise<void>;
  replay(): AsyncIterable<JournalRecord>;
  /** Replaces the whole content, atomically and durably: either all the old records are there or all the new. */
  rewrite(records: readonly JournalRecord[]): Promise<void>;
  close(): Promise<void>;
}
