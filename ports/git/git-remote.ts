import type { NewObject } from './git-store.js';
import type { TraceContext } from '../grammar/trace-context.js';
import type { Oid, RefName, RefUpdate } from '../vocabulary.js';

/**
 * Hears how far a transfer has come. It is given the line that tells so at the moment, in git's words or the other side's
 * (`Receiving objects:  50% (1/2)`), each time that there is a newer one: never an end of line in it, nor the line in which a
 * Stargate says why it refuses. An empty line when the transfer begins, and when it is over, well or not: there is nothing to tell.
 */
export type TransferProgress = (line: string) => void;

/** What may end a call before it is done. */
export interface Endable {
  /**
   * When it fires, what runs for the call is ended, on this machine, and the call rejects with `INTERRUPTED` once nothing of it runs any
   * more. A call that is done by then may resolve all the same.
   */
  readonly signal?: AbortSignal | undefined;
}

/** How a fetch goes about it. */
export interface FetchOptions extends Endable {
  readonly onProgress?: TransferProgress | undefined;
}

/** A ref to fetch, and where to. */
export interface FetchRequest {
  /** The remote ref, exactly. One that does not exist there is no error: its local ref is then deleted. */
  readonly remoteRef: RefName;
  /** The local ref that follows it. */
  readonly localRef: RefName;
  /** The remote ref is seldom there: a connection is not to be spent on finding out. */
  readonly seldom?: true;
}

/** Where a remote's two directions lead. */
export type Direction = 'read' | 'write';

/** How a push goes about it. Whether one that was ended has landed, nobody but the other side knows. */
export interface PushOptions extends Endable {
  /** All or nothing at the receiving end. */
  readonly atomic: boolean;
  /**
   * There are commits without parents among the new ones, whose content other refs over there hold already: it is not sent again.
   * Costs a look at all trees of those refs.
   */
  readonly restarts?: boolean;
  /**
   * All that the new commits reach and the refs' old values don't, where the caller has it at hand: an adapter may send it without
   * looking for what the other side lacks.
   */
  readonly objects?: readonly NewObject[];
  /** The turn that the Stargate has granted for this push. */
  readonly turn?: string | undefined;
  /** Whoever pushes has something better to do than to wait for room: `BUSY` at once. */
  readonly impatient?: boolean | undefined;
  /** Hears each line that the other side says of the push while it is taken, whole and without progress. */
  readonly onRemoteLine?: ((line: string) => void) | undefined;
  /** What the push belongs to: told to a Stargate that takes push options, and to nobody else. */
  readonly trace?: TraceContext | null | undefined;
  readonly onProgress?: TransferProgress | undefined;
}

/** What the write side shows a push before anything of it is sent. */
export interface ShownToPush {
  readonly refs: ReadonlyMap<RefName, Oid>;
  /** Names of what it takes pushes to in turns, where somebody else has the turn: others' are refused. */
  readonly turns: ReadonlySet<string>;
}

/** What the write side has answered to who asked to push, over a connection that waits for the push. */
export interface AskedToPush {
  readonly answer: unknown;
  /** Leaves the connection, unless the push has come by it. Idempotent. */
  release(): void;
}

/**
 * The clone's connection to its remotes, by the name that Git knows them by (`origin`).
 * `read` goes to the remote's `url` (the mirror), `write` to its `pushurl` (the Stargate).
 * Throws `IO_ERROR` when the other side can't be reached, `CONFIG_INVALID` when the remote isn't configured for the direction, and
 * `INPUT_INVALID` for what is no remote's name, no full ref name or no full object id.
 */
export interface GitRemote {
  /** The URL a direction uses, or null when the remote (or, for `write`, its pushurl) isn't configured. */
  url(remote: string, direction: Direction): Promise<string | null>;

  /** The refs at the other side that equal a pattern, or match it as a glob (`refs/kv/*`). */
  listRefs(remote: string, direction: Direction, patterns: readonly string[], options?: Endable): Promise<Map<RefName, Oid>>;

  /** Brings refs and the objects they reach into this clone. Missing remote refs delete the local ones. */
  fetch(remote: string, direction: Direction, requests: readonly FetchRequest[], options?: FetchOptions): Promise<void>;

  /**
   * Brings objects, and what they reach, by their ids and under no ref: Git may drop them again when it next clears up.
   * Throws `NOT_FOUND` when the other side hasn't got one, or gives only what its refs name.
   */
  fetchObjects(remote: string, direction: Direction, oids: readonly Oid[], options?: FetchOptions): Promise<void>;

  /** What the connection of an expected push has shown by now; null while it has shown nothing. */
  shown?(remote: string): ShownToPush | null;

  /**
   * Says that a push is about to come whose `objects` are at hand: its connection may be opened meanwhile. `anew`: one that was opened
   * before has shown what is no longer so, and is left. Never throws.
   */
  expectPush?(remote: string, anew?: boolean): void;

  /**
   * Asks the write side for a turn in the words of an admin verb, which answers with JSON that has a `token`: the push whose `turn` that is goes
   * over the same connection. Null where only git knows the way. Throws the KvError that the other side has sent, `USAGE` where it doesn't
   * know the words, `IO_ERROR` when it can't be reached. The signal counts until the answer. Absent where pushes have a connection each.
   */
  askToPush?(remote: string, verb: string, args: readonly string[], options?: Endable): Promise<AskedToPush | null>;

  /**
   * Pushes to the remote's `write` side, never to its `read` side. Resolves when every ref was accepted; a ref that is already where it
   * is to go counts as accepted, so that a push whose answer was lost may be sent again.
   * Throws the KvError that the Stargate sent as a `kv-error/1` line; `CAS_CONFLICT` when a ref was not at its `old`, with the
   * ref in `details.ref`; `GIT_ERROR` with git's own words otherwise. An `IO_ERROR` has in `details.sent` what the other side may have
   * of the push: `nothing`, since it could not be reached, or has cut the connection before it had anything (`cut`); or `all`, after which
   * nobody but the other side knows whether refs have moved.
   */
  push(remote: string, updates: readonly RefUpdate[], options: PushOptions): Promise<void>;

  /** Leaves a connection that no push came for. Idempotent. */
  close?(): Promise<void>;
}
