/** A connection that is open, or on its way to be. What goes over it is for the two sides to know: the adapter carries bytes. */
export interface IntentConnection {
  /** False as soon as it is known that nothing more will come of it. */
  readonly usable: boolean;

  /**
   * Sends bytes, after those that were sent before. Resolves when there is room for more, or when there will be none any more: that the
   * other side has ended is told by `receive`.
   */
  send(bytes: Uint8Array): Promise<void>;

  /**
   * The next bytes from the other side, in pieces of any size; null when it has ended well. It is the other side's turn while this is
   * asked: its silence may end the connection (`IO_ERROR`), as long as nobody asks it may be silent. Throws the KvError that the Stargate
   * sent as a `kv-error/1` line; `IO_ERROR` when it can't be reached or has broken off (`details.sent` is `cut` where it did so before it
   * said anything). One call at a time.
   */
  receive(): Promise<Uint8Array | null>;

  /** Leaves: what was sent and not answered may have been carried out. Does not wait for the other side. Idempotent. */
  close(): void;
}

/**
 * Ways to the Stargate on which intents go one way and answers come the other, many on one connection: the same connection as a push to
 * the remote would use, with every setting of the user's.
 */
export interface IntentStream {
  /**
   * Begins a connection to the Stargate behind a remote's push URL, and does not wait for it to be there. Throws `CONFIG_INVALID` when
   * the remote has no push URL or one that is not to be trusted, `INPUT_INVALID` for what is no remote's name, and `NOT_SUPPORTED` where
   * a push alone knows the way: another transport than SSH, or settings that only git obeys.
   */
  open(remote: string): Promise<IntentConnection>;

  /** Leaves all connections. Idempotent. */
  close?(): Promise<void>;
}
