/**
 * The Stargate's admin verbs, asked for over the same SSH connection as a push to the remote would use.
 * Throws the KvError that the Stargate sent as a `kv-error/1` line, `CONFIG_INVALID` when the remote has no pushurl or one that ssh would
 * misread, `NOT_SUPPORTED` when it is no SSH address, and `IO_ERROR` when the Stargate can't be reached or gives no JSON.
 */
export interface AdminClient {
  /** Runs a verb (`status`, `epoch new`) with its arguments at the Stargate behind a remote's pushurl; gives its JSON. */
  run(remote: string, verb: string, args: readonly string[]): Promise<unknown>;
}
