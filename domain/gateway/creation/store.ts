import type { Creation, CreationAnswer, CreationMessage, Reservation } from './records.js';

/** What a server keeps of creations. What changes is durable when it resolves. Throws `STORAGE_FULL`, `IO_ERROR`. */
export interface CreationStore {
  /** The reservations that there are, at the start. */
  reservations(): Promise<readonly Reservation[]>;
  /** What was created, in order, at the start. */
  created(): Promise<readonly Creation[]>;
  /** Keeps a name for a creation, in place of another reservation of it. */
  reserve(reservation: Reservation): Promise<void>;
  /** Gives the name up. Idempotent. */
  drop(repository: string): Promise<void>;
  /**
   * Makes the repository; one that stands there with the creation's repository id is it. `learned`: others may have written to it, so that it is no
   * beginning of its history. Throws `CAS_CONFLICT` where another stands.
   */
  make(creation: Creation, learned?: boolean): Promise<void>;
  /** Notes that it was created. */
  append(creation: Creation): Promise<void>;
  /** The repository whose name this one would collide with; null where there is none. */
  taken(repository: string): Promise<string | null>;
  /** Throws `INPUT_INVALID`, `CONFIG_INVALID` for what can't be made here. */
  check(creation: Creation): void;
}

/** How the other servers are asked. */
export interface CreationPeers {
  /** How many others there are, whether they can be reached or not. */
  readonly count: number;
  /** Those whose names are known. */
  known(): readonly string[];
  /** The names of all servers, this one too, that have histories together; null while some are not known. Nothing: each has its own. */
  servers?(): readonly string[] | null | undefined;
  /** The server without whose vote nothing is created; null where any majority will do. */
  needed?(): string | null;
  /** Asks one. Throws where it can't be reached, refuses or doesn't answer in time. */
  ask(peer: string, message: CreationMessage): Promise<CreationAnswer>;
}

/** Hears of what nobody asked for. */
export interface CreationObserver {
  /** A repository was made because another server says that it was created while this one was away. */
  learned(creation: Creation, from: string): void;
  /** Another server has created a repository of a name that stands here for another one: neither is touched. */
  diverged(repository: string, from: string): void;
  /** Something has failed that is tried again. */
  failed(what: string, error: unknown): void;
}
