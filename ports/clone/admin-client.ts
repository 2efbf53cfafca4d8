import type { Endable } from '../git/git-remote.js';

/** A host key that the user's SSH client now knows. */
export interface PinnedHostKey {
  readonly fingerprint: string;
  /** As SSH names it, such as `ssh-ed25519`. */
  readonly type: string;
  /** The host's name where it was noted, such as `[stargate.local]:2222`. */
  readonly host: string;
  /** The file that it was noted in. */
  readonly file: string;
  /** How many keys were taken out there that the host does not show: those of another host, or from before. */
  readonly replaced: number;
  /** It was known before, with none but the host's own. */
  readonly known: boolean;
}

/** A verb that has answered and goes on until either side ends it. */
export interface HeldVerb {
  readonly answer: unknown;
  /** Ends it, without waiting for the other side to notice. Idempotent. */
  release(): void;
}

/**
 * The Stargate's admin verbs, asked for over the same SSH connection as a push to the remote would use.
 * Throws the KvError that the Stargate sent as a `kv-error/1` line, `CONFIG_INVALID` when the remote has no pushurl or one that ssh would
 * misread, `NOT_SUPPORTED` when it is no SSH address, and `IO_ERROR` when the Stargate can't be reached or gives no JSON.
 */
export interface AdminClient {
  /** Runs a verb (`status`, `epoch new`) with its arguments at the Stargate behind a remote's pushurl; gives its JSON. */
  run(remote: string, verb: string, args: readonly string[], options?: Endable): Promise<unknown>;

  /** Runs a verb that answers before it is over (`turn`), and stays with it. Throws as `run` does. The signal counts until the answer. */
  hold(remote: string, verb: string, args: readonly string[], options?: Endable): Promise<HeldVerb>;

  /**
   * Has the user's SSH client know the host behind an SSH address by the key with this fingerprint, and by no other: what was known
   * for it before is taken out. Throws `INPUT_INVALID` for what is no fingerprint, `CONFIG_INVALID` for an address that is not to be
   * trusted, `IO_ERROR` when the host shows no such key, and
   * `NOT_SUPPORTED` when the client, or a proxy on the way, leaves no way to ask.
   */
  pinHostKey(url: string, fingerprint: string): Promise<PinnedHostKey>;
}
