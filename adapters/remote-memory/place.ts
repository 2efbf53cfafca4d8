import type { AskedToPush, Direction, GitObject, Oid, RefName, RefUpdate, TraceContext } from '../../ports/index.js';

/** A repository at the other end of a remote, as a fetch sees it. */
export interface RemoteSide {
  /** All of its refs. */
  refs(): Promise<ReadonlyMap<RefName, Oid>>;
  /** Objects in the order asked, null where there is none. What it has, it has with all that this names. */
  read(oids: readonly Oid[]): Promise<(GitObject | null)[]>;
}

/** A push as it arrives. */
export interface ReceivedPush {
  /** Whom the clone comes as; null for a clone that was opened without a name. */
  readonly as: string | null;
  /** All or nothing is asked for. */
  readonly atomic: boolean;
  readonly commands: readonly RefUpdate[];
  /** What the commands' tips reach and the side has not got. */
  readonly objects: readonly GitObject[];
  /** Says a line to whoever pushes, as a hook writes it to its standard error, of a push that is taken too. */
  readonly say?: ((line: string) => void) | undefined;
  /** The turn that it names. */
  readonly turn?: string | undefined;
  /** What it says that it belongs to. */
  readonly trace: TraceContext | null;
}

/** A repository that takes pushes. */
export interface ReceivingSide extends RemoteSide {
  /**
   * Takes a push, or gives the lines in which it refuses it, as a hook writes them to its standard error: none when all of it was
   * taken. Throws what a connection throws that isn't let in.
   */
  receive(push: ReceivedPush): Promise<readonly string[]>;

  /** Answers a clone that asks for a turn before it pushes, as `GitRemote.askToPush` has it; absent: it knows no turns. */
  ask?(asked: { readonly as: string | null; readonly verb: string; readonly args: readonly string[] }): Promise<AskedToPush>;
}

/** A stream of intents as it arrives: bytes, as they would come over a connection. */
export interface ArrivedStream {
  /** Whom the clone comes as; null for a clone that was opened without a name. */
  readonly as: string | null;
  /** What the clone sends, until it has no more or has gone. */
  readonly received: AsyncIterable<Uint8Array>;
  /** Sends to the clone. Resolves when there is room for more. */
  send(bytes: Uint8Array): Promise<void>;
}

/** A side that takes streams of intents. */
export interface IntentSide {
  /** Serves a stream to its end. What it throws is what the clone's connection breaks with. */
  serve(stream: ArrivedStream): Promise<void>;
}

/** Where a remote leads in this process. It lives as long as somebody refers to it. */
export class RemotePlace {
  /** What `read` leads to; null while nothing is configured there. */
  read: RemoteSide | null = null;
  /** What `write` leads to; null while nothing is configured there. */
  write: ReceivingSide | null = null;
  /** What takes intents behind `write`; null for a side that knows nothing of them. */
  intents: IntentSide | null = null;
  /** The directions in which nobody can be reached. */
  readonly away = new Set<Direction>();

  constructor(
    /** A name for people: part of what the remote's URLs are said to be. */
    readonly name: string,
  ) {}
}
