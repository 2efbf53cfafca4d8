/** Takes bytes; a promise where the sender is to wait for it before it sends more. That may stay open when nobody reads any more. */
export type TakeBytes = (bytes: Uint8Array) => Promise<void> | undefined;

/** Bytes on their way to another process. What is written after it has gone is dropped without a word: its status tells the story. */
export interface ByteSink {
  readonly write: TakeBytes;
  /** No more comes. Idempotent. */
  end(): void;
}

/** Who a service speaks with. Neither is called any more after `stop`. */
export interface ServiceClient {
  readonly output: TakeBytes;
  /** What is meant for the client's terminal. */
  readonly errors: (bytes: Uint8Array) => void;
}

/** The server side of one Git command at work. */
export interface ServiceProcess {
  /** What the client says. */
  readonly input: ByteSink;
  /**
   * Resolves with the exit status (143 where a signal ended it) when the process has gone and all that it said was handed to the
   * client. Rejects with `IO_ERROR` when it could not be started.
   */
  readonly ended: Promise<number>;
  /** Hangs up, and ends the process and all that it has started by force where that is not enough. Idempotent; `ended` follows. */
  stop(): void;
}

/**
 * What the two hooks of a push say, and where they are answered. Their bytes end when the hook, or the whole push, has; reading
 * them never throws. Each can be read once.
 */
export interface PushHooks {
  /**
   * The pre-receive hook: lines `quarantine PATH` (PATH may be empty), `OLD NEW REF` for each ref, then `end`.
   * It goes on when `verdict` has said so.
   */
  readonly preReceive: AsyncIterable<Uint8Array>;
  /** To either hook: lines `say TEXT` for the pusher's terminal, then `ok` or `no`. */
  readonly verdict: ByteSink;
  /** The proc-receive hook: what receive-pack says to it, pkt-lines as githooks(5) has them. No ref moves but through it. */
  readonly procReceive: AsyncIterable<Uint8Array>;
  /** The answers to that. Their end lets the hook wait for its verdict. */
  readonly procReceiveReply: ByteSink;
}

/** A `git receive-pack` whose hooks ask its host. */
export interface PushProcess extends ServiceProcess {
  readonly hooks: PushHooks;
}

/** What a client asks of one of git's server sides. */
export interface ServiceRequest {
  /** The value of GIT_PROTOCOL that the client asked for, checked; undefined when it asked for none. */
  readonly gitProtocol: string | undefined;
  /** As HTTP has a fetch: `refs` shows what there is and reads nothing; `answer` answers one request. Absent: one conversation. */
  readonly stateless?: 'refs' | 'answer';
  readonly bounds: GitBounds;
}

/** How much a client may make git take, whatever is sent. Each holds for every process of its own that git starts, too. */
export interface GitBounds {
  /** Memory besides what the repository's own objects need, bytes. */
  readonly memory: number;
  /** Processor time, milliseconds; in whole seconds, rounded up. */
  readonly time: number;
}

/** What a push asks, and how large it may be. */
export interface PushServiceRequest extends ServiceRequest {
  /** The largest push that is taken, bytes, whatever the repository's configuration says. */
  readonly maxBytes: number;
  /** Names in which somebody has a turn to push, as the client is told when it is greeted; absent: none. */
  readonly turns?: (() => readonly string[]) | undefined;
}

/**
 * Starts the server sides of Git for one repository.
 *
 * Promised: a process sees nothing of the client's but its bytes and `gitProtocol`, nothing of the user's environment and
 * configuration, and no other repository. It takes no more memory and processor time than its bounds, where the system can hold it to
 * them, and says on the client's terminal which of them has ended it. A push whose history is cut off is refused, and nothing is in the repository of one that
 * was not taken.
 */
export interface GitService {
  /** Serves a fetch, or an archive. Throws `BUSY` when there are no descriptors, processes or memory for it. */
  read(command: 'upload-pack' | 'upload-archive', request: ServiceRequest, client: ServiceClient): ServiceProcess;
  /** Serves a push. Throws as `read` does. */
  receive(request: PushServiceRequest, client: ServiceClient): PushProcess;
}
